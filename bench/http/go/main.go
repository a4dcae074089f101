// One net/http client, shared, in a process of its own: sends, and prints the seconds and the CPU time that it took,
// without its warming up. Usage: go run . <url> <ca file> <in flight> <count> <warm-up>
package main

import (
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"io"
	"net/http"
	"os"
	"strconv"
	"sync"
	"sync/atomic"
	"syscall"
	"time"
)

func check(err error) {
	if err != nil {
		panic(err)
	}
}

func cpuSecs() float64 {
	var usage syscall.Rusage
	check(syscall.Getrusage(syscall.RUSAGE_SELF, &usage))
	return float64(usage.Utime.Nano()+usage.Stime.Nano()) / 1e9
}

func main() {
	url := os.Args[1]
	ca, err := os.ReadFile(os.Args[2])
	check(err)
	inFlight, err := strconv.Atoi(os.Args[3])
	check(err)
	count, err := strconv.Atoi(os.Args[4])
	check(err)
	warmUp, err := strconv.Atoi(os.Args[5])
	check(err)
	roots := x509.NewCertPool()
	roots.AppendCertsFromPEM(ca)
	client := &http.Client{Transport: &http.Transport{
		TLSClientConfig:     &tls.Config{RootCAs: roots},
		MaxIdleConnsPerHost: inFlight, // 2 by default, which opens a connection for nearly every request
	}}
	sendAll := func(requests int) {
		left := int64(requests)
		var workers sync.WaitGroup
		for range inFlight {
			workers.Go(func() {
				for atomic.AddInt64(&left, -1) >= 0 {
					response, err := client.Get(url)
					check(err)
					_, err = io.ReadAll(response.Body)
					check(err)
					check(response.Body.Close())
				}
			})
		}
		workers.Wait()
	}
	sendAll(warmUp)
	cpu, started := cpuSecs(), time.Now()
	sendAll(count)
	check(json.NewEncoder(os.Stdout).Encode(map[string]float64{"secs": time.Since(started).Seconds(), "cpuSecs": cpuSecs() - cpu}))
}
