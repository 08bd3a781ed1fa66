//go:build tools

// Package tidb names the program that `npm run test:tidb` builds: TiDB's server with its embedded storage.
package tidb

import _ "github.com/pingcap/tidb/cmd/tidb-server"
