// σ(w·x + b) as goroutines and channels: one goroutine per node, one channel per edge, as in the article "Think like
// a vertex". Prints microseconds per run as JSON: bare, with 50 µs of work after each op, and 16 of those side by side;
// with goroutines and channels made anew for each run ("fresh") and with ones that stay and take one run after another
// ("kept").
package main

import (
	"encoding/json"
	"fmt"
	"math"
	"os"
	"sort"
	"time"
)

// busy runs a 32-bit xorshift generator, the work of goml's bench, and returns 0.
func busy(rounds int) float64 {
	state := uint32(0x9e3779b9)
	for i := 0; i < rounds; i++ {
		state ^= state << 13
		state ^= state >> 17
		state ^= state << 5
	}
	if state == 0 {
		return 1
	}
	return 0
}

type node struct {
	inputs  []*edge
	outputs []*edge
	op      func(values []float64) float64
}

// An edge has a channel with room for one value.
type edge struct{ ch chan float64 }

type graph struct {
	nodes   []*node
	edges   []*edge
	leaves  []*edge
	values  []float64
	results []*edge
}

func (g *graph) edge() *edge {
	e := &edge{}
	g.edges = append(g.edges, e)
	return e
}

func (g *graph) leaf(value float64) *edge {
	e := g.edge()
	g.leaves = append(g.leaves, e)
	g.values = append(g.values, value)
	return e
}

func (g *graph) apply(op func(values []float64) float64, inputs ...*edge) *edge {
	out := g.edge()
	g.nodes = append(g.nodes, &node{inputs: inputs, outputs: []*edge{out}, op: op})
	return out
}

func sigmoid(z float64) float64 {
	if z >= 0 {
		return 1 / (1 + math.Exp(-z))
	}
	e := math.Exp(z)
	return e / (1 + e)
}

func neurons(count, rounds int) *graph {
	g := &graph{}
	for i := 0; i < count; i++ {
		load := func(e *edge) *edge {
			if rounds == 0 {
				return e
			}
			return g.apply(func(v []float64) float64 { return v[0] + busy(rounds) }, e)
		}
		w, x, b := g.leaf(0.5+float64(i)/float64(count)), g.leaf(2), g.leaf(1)
		product := load(g.apply(func(v []float64) float64 { return v[0] * v[1] }, w, x))
		sum := load(g.apply(func(v []float64) float64 { return v[0] + v[1] }, product, b))
		out := load(g.apply(func(v []float64) float64 { return sigmoid(v[0]) }, sum))
		g.results = append(g.results, out)
	}
	return g
}

func (n *node) step(values []float64) {
	for i, e := range n.inputs {
		values[i] = <-e.ch
	}
	y := n.op(values)
	for _, e := range n.outputs {
		e.ch <- y
	}
}

func (g *graph) open() {
	for _, e := range g.edges {
		e.ch = make(chan float64, 1)
	}
}

// fresh runs the graph with goroutines and channels of its own.
func (g *graph) fresh() float64 {
	g.open()
	for _, n := range g.nodes {
		go func(n *node) { n.step(make([]float64, len(n.inputs))) }(n)
	}
	return g.feed()
}

// keep starts goroutines that take one run after another.
func (g *graph) keep() {
	g.open()
	for _, n := range g.nodes {
		go func(n *node) {
			values := make([]float64, len(n.inputs))
			for {
				n.step(values)
			}
		}(n)
	}
}

// feed sends the leaves' values and sums the results.
func (g *graph) feed() float64 {
	for i, e := range g.leaves {
		e.ch <- g.values[i]
	}
	total := 0.0
	for _, e := range g.results {
		total += <-e.ch
	}
	return total
}

func fastest(f func(), runs int) float64 {
	best := math.Inf(1)
	for i := 0; i < runs; i++ {
		start := time.Now()
		f()
		best = math.Min(best, float64(time.Since(start).Nanoseconds()))
	}
	return best
}

// measure gives the median of the time of one call, in microseconds, over samples of 1 ms and more for 0.5 s.
func measure(f func() float64, want float64) float64 {
	if got := f(); math.Abs(got-want) > 1e-12 {
		fmt.Fprintf(os.Stderr, "got %v, want %v\n", got, want)
		os.Exit(1)
	}
	calls := 1
	for {
		start := time.Now()
		for i := 0; i < calls; i++ {
			f()
		}
		if time.Since(start) > time.Millisecond {
			break
		}
		calls *= 2
	}
	var samples []float64
	for begin := time.Now(); time.Since(begin) < 500*time.Millisecond; {
		start := time.Now()
		for i := 0; i < calls; i++ {
			f()
		}
		samples = append(samples, float64(time.Since(start).Nanoseconds())/1000/float64(calls))
	}
	sort.Float64s(samples)
	return samples[len(samples)/2]
}

func main() {
	const rounds = 100000
	perRound := fastest(func() { sink += busy(rounds) }, 50) / rounds
	loaded := int(math.Round(50000 / perRound))
	type result struct {
		Fresh float64 `json:"fresh"`
		Kept  float64 `json:"kept"`
	}
	results := map[string]result{}
	for _, c := range []struct {
		name          string
		count, rounds int
	}{{"bare", 1, 0}, {"chain", 1, loaded}, {"sixteen", 16, loaded}} {
		want := 0.0
		for i := 0; i < c.count; i++ {
			want += sigmoid((0.5+float64(i)/float64(c.count))*2 + 1)
		}
		fresh := neurons(c.count, c.rounds)
		kept := neurons(c.count, c.rounds)
		kept.keep()
		results[c.name] = result{measure(fresh.fresh, want), measure(kept.feed, want)}
	}
	json.NewEncoder(os.Stdout).Encode(results)
}

var sink float64
