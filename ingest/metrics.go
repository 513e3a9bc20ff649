package ingest

import (
	"time"

	"github.com/prometheus/client_golang/prometheus"
)

// Metrics are the pipeline's counters and times, in Prometheus's terms.
type Metrics struct {
	accepted   prometheus.Histogram
	commit     prometheus.Histogram
	commitRows prometheus.Histogram
	stages     *prometheus.HistogramVec
	toTicket   prometheus.Histogram
	ended      *prometheus.CounterVec
	refused    *prometheus.CounterVec
	failures   prometheus.Counter
	indexed    prometheus.Counter
	gaveWay    prometheus.Counter
	depth      *prometheus.GaugeVec
	age        *prometheus.GaugeVec
}

// seconds are the buckets of every duration: 50 µs to some 100 s. Those until a
// ticket, about which people promise something, are finer: 1 ms to some 100 s.
var (
	seconds         = prometheus.ExponentialBuckets(0.00005, 2, 21)
	secondsToTicket = prometheus.ExponentialBuckets(0.001, 1.25, 53)
)

// NewMetrics returns the metrics, registered with r unless it is nil.
func NewMetrics(r prometheus.Registerer) *Metrics {
	hist := func(name, help string, buckets []float64) prometheus.Histogram {
		return prometheus.NewHistogram(prometheus.HistogramOpts{Namespace: "postroom", Name: name, Help: help, Buckets: buckets})
	}
	m := &Metrics{
		accepted: hist("accept_seconds", "Time from the offer of a mail to its durable commit.", seconds),
		commit:   hist("commit_seconds", "Time of one group commit.", seconds),
		commitRows: prometheus.NewHistogram(prometheus.HistogramOpts{
			Namespace: "postroom", Name: "commit_mails", Help: "Mails in one group commit.", Buckets: prometheus.ExponentialBuckets(1, 2, 9),
		}),
		stages: prometheus.NewHistogramVec(prometheus.HistogramOpts{
			Namespace: "postroom", Name: "stage_seconds", Help: "Time that a stage took: parse and score per message, file per batch.", Buckets: seconds,
		}, []string{"stage"}),
		toTicket: hist("ticket_seconds", "Time from the offer of a mail to its ticket.", secondsToTicket),
		ended: prometheus.NewCounterVec(prometheus.CounterOpts{
			Namespace: "postroom", Name: "messages_total", Help: "Messages by where they were put.",
		}, []string{"stage"}),
		refused: prometheus.NewCounterVec(prometheus.CounterOpts{
			Namespace: "postroom", Name: "refused_total", Help: "Offers that were refused, by door and cause.",
		}, []string{"door", "cause"}),
		failures: prometheus.NewCounter(prometheus.CounterOpts{
			Namespace: "postroom", Name: "failed_attempts_total", Help: "Attempts on messages that failed.",
		}),
		indexed: prometheus.NewCounter(prometheus.CounterOpts{
			Namespace: "postroom", Name: "indexed_total", Help: "Messages made searchable.",
		}),
		gaveWay: prometheus.NewCounter(prometheus.CounterOpts{
			Namespace: "postroom", Name: "gave_way_seconds_total", Help: "Time that workers left to a rush of incoming mail.",
		}),
		depth: prometheus.NewGaugeVec(prometheus.GaugeOpts{
			Namespace: "postroom", Name: "queue_depth", Help: "Messages that wait, by stage.",
		}, []string{"stage"}),
		age: prometheus.NewGaugeVec(prometheus.GaugeOpts{
			Namespace: "postroom", Name: "queue_age_seconds", Help: "Age of the message that waits longest, by stage.",
		}, []string{"stage"}),
	}
	if r != nil {
		r.MustRegister(m.accepted, m.commit, m.commitRows, m.stages, m.toTicket, m.ended, m.refused, m.failures, m.indexed, m.gaveWay, m.depth, m.age)
	}
	m.depths(nil)
	return m
}

func (m *Metrics) stage(name string, took time.Duration) {
	m.stages.WithLabelValues(name).Observe(took.Seconds())
}

// depths shows every stage, those in which nothing waits included.
func (m *Metrics) depths(list []Depth) {
	for _, s := range []Stage{Received, Parsed, Scored} {
		var waiting, age float64
		for _, d := range list {
			if d.Stage == s {
				waiting = float64(d.Waiting)
				if d.Oldest != nil {
					age = max(0, time.Since(*d.Oldest).Seconds())
				}
			}
		}
		m.depth.WithLabelValues(string(s)).Set(waiting)
		m.age.WithLabelValues(string(s)).Set(age)
	}
}
