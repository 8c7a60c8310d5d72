package main

import (
	"fmt"
	"math"
	"net/http"
)

// losesAnswer is the fault answer-drop: of tools that were carried out each `every`-th answer is lost, `count` at
// most.
func (c *control) losesAnswer(made *reply) bool {
	found := c.snapshot().fault("answer-drop")
	if found == nil || made.status != http.StatusOK || made.header.Get("Server-Timing") == "" {
		return false
	}
	id := fmt.Sprint(found["id"])
	c.seeing.Lock()
	defer c.seeing.Unlock()
	c.answers[id]++
	if c.answers[id]%int64(number(found["every"], 1)) != 0 || float64(c.effects[id]) >= number(found["count"], math.Inf(1)) {
		return false
	}
	c.effects[id]++
	return true
}

func number(given any, usual float64) float64 {
	if told, is := given.(float64); is {
		return told
	}
	return usual
}
