//go:build tools

// Package tools names what is built of the module: InfluxDB 2, and the pkg-config that builds flux's core.
package tools

import (
	_ "github.com/influxdata/influxdb/v2/cmd/influxd"
	_ "github.com/influxdata/pkg-config"
)
