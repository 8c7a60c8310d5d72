package main

import (
	"net/http"
	"strings"
	"unicode"
)

// several joins the lines of a header: who reads the first of them reads another value than who reads the last. With
// this byte in it, it is what no body says.
const several = "\xff"

// field is a header as text.
func field(header http.Header, name string) string {
	return latin1(strings.Join(header.Values(name), several))
}

// latin1 is a header's value as text: each byte of it is a character. What is no UTF-8 no database takes.
func latin1(value string) string {
	if strings.IndexFunc(value, notASCII) < 0 {
		return value
	}
	made := make([]rune, len(value))
	for i, one := range []byte(value) {
		made[i] = rune(one)
	}
	return string(made)
}

// toLatin1 is the value that latin1 made such a text of.
func toLatin1(text string) string {
	if strings.IndexFunc(text, notASCII) < 0 {
		return text
	}
	made := []byte{}
	for _, one := range text {
		made = append(made, byte(one))
	}
	return string(made)
}

func notASCII(one rune) bool { return one > unicode.MaxASCII }
