// Go's net/http: tls.Config.Certificates, from tls.LoadX509KeyPair, or from go-pkcs12 for a PFX.
package main

import (
	"bufio"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"runtime"
	"sync"
	"sync/atomic"
	"syscall"
	"time"

	"software.sslmate.com/src/go-pkcs12"
)

type certificate struct {
	Pfx        string  `json:"pfx"`
	Jks        string  `json:"jks"`
	Cert       string  `json:"cert"`
	P7b        string  `json:"p7b"`
	Key        string  `json:"key"`
	Passphrase *string `json:"passphrase"`
}

type operation struct {
	Op          string      `json:"op"`
	ID          string      `json:"id"`
	URL         string      `json:"url"`
	Ca          string      `json:"ca"`
	Proxy       string      `json:"proxy"`
	Certificate certificate `json:"certificate"`
	Concurrency int         `json:"concurrency"`
	Seconds     float64     `json:"seconds"`
}

type noWay string

func (reason noWay) Error() string { return string(reason) }

func main() {
	if len(os.Args) > 1 {
		fmt.Println(runtime.Version()[2:])
		return
	}
	clients := map[string]*http.Client{}
	lines := bufio.NewReader(os.Stdin)
	for {
		line, err := lines.ReadBytes('\n')
		if err != nil {
			return
		}
		var op operation
		if err := json.Unmarshal(line, &op); err != nil {
			panic(err)
		}
		answer, err := perform(op, clients)
		if reason, ok := err.(noWay); ok {
			answer = map[string]any{"noWay": string(reason)}
		} else if err != nil {
			answer = map[string]any{"told": err.Error(), "logged": fmt.Sprintf("%v\n%#v", err, err)}
		}
		text, _ := json.Marshal(answer)
		fmt.Println(string(text))
	}
}

func perform(op operation, clients map[string]*http.Client) (map[string]any, error) {
	switch op.Op {
	case "client":
		client, err := create(op)
		clients[op.ID] = client
		return map[string]any{}, err
	case "get":
		status, err := get(clients[op.ID], op.URL)
		return map[string]any{"status": status}, err
	default:
		return measure(clients[op.ID], op)
	}
}

func create(op operation) (*http.Client, error) {
	config := &tls.Config{}
	if op.Ca != "" {
		pem, err := os.ReadFile(op.Ca)
		if err != nil {
			return nil, err
		}
		config.RootCAs = x509.NewCertPool()
		config.RootCAs.AppendCertsFromPEM(pem)
	}
	loaded, err := load(op.Certificate)
	if err != nil {
		return nil, err
	}
	if loaded != nil {
		config.Certificates = []tls.Certificate{*loaded}
	}
	transport := http.DefaultTransport.(*http.Transport).Clone()
	transport.TLSClientConfig = config
	transport.MaxIdleConnsPerHost = 100
	if op.Proxy != "" {
		proxy, err := url.Parse(op.Proxy)
		if err != nil {
			return nil, err
		}
		transport.Proxy = http.ProxyURL(proxy)
	}
	return &http.Client{Transport: transport, Timeout: 20 * time.Second}, nil
}

func load(from certificate) (*tls.Certificate, error) {
	if from.Jks != "" {
		return nil, noWay("tls.LoadX509KeyPair, or a PFX")
	}
	if from.Pfx != "" {
		data, err := os.ReadFile(from.Pfx)
		if err != nil {
			return nil, err
		}
		key, leaf, chain, err := pkcs12.DecodeChain(data, *from.Passphrase)
		if err != nil {
			return nil, err
		}
		all := [][]byte{leaf.Raw}
		for _, each := range chain {
			all = append(all, each.Raw)
		}
		return &tls.Certificate{Certificate: all, PrivateKey: key, Leaf: leaf}, nil
	}
	file := from.Cert + from.P7b
	if file == "" {
		return nil, nil
	}
	if from.Passphrase != nil {
		return nil, noWay("tls.LoadX509KeyPair takes no passphrase")
	}
	pair, err := tls.LoadX509KeyPair(file, from.Key)
	return &pair, err
}

func get(client *http.Client, url string) (int, error) {
	response, err := client.Get(url)
	if err != nil {
		return 0, err
	}
	defer response.Body.Close()
	_, err = io.Copy(io.Discard, response.Body)
	return response.StatusCode, err
}

func measure(client *http.Client, op operation) (map[string]any, error) {
	began, start := cpu(), time.Now()
	end := start.Add(time.Duration(op.Seconds * float64(time.Second)))
	var requests atomic.Int64
	var failure atomic.Value
	var group sync.WaitGroup
	for range op.Concurrency {
		group.Go(func() {
			for time.Now().Before(end) {
				status, err := get(client, op.URL)
				if err == nil && status != 200 {
					err = fmt.Errorf("status %d", status)
				}
				if err != nil {
					failure.Store(err)
					return
				}
				requests.Add(1)
			}
		})
	}
	group.Wait()
	if err, ok := failure.Load().(error); ok {
		return nil, err
	}
	return map[string]any{
		"requests": requests.Load(),
		"seconds":  time.Since(start).Seconds(),
		"cpu":      cpu() - began,
	}, nil
}

func cpu() float64 {
	var usage syscall.Rusage
	_ = syscall.Getrusage(syscall.RUSAGE_SELF, &usage)
	total := usage.Utime.Nano() + usage.Stime.Nano()
	return float64(total) / 1e9
}
