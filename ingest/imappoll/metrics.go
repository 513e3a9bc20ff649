package imappoll

import (
	"time"

	"github.com/prometheus/client_golang/prometheus"
)

// Metrics are the pollers' counters and gauges, in Prometheus's terms.
type Metrics struct {
	taken    prometheus.Counter
	failures prometheus.Counter
	looked   prometheus.Gauge

	mailboxes, backlog, oldest *prometheus.Desc
	source                     func() []Status
}

// NewMetrics returns the metrics, registered with r unless it is nil.
func NewMetrics(r prometheus.Registerer) *Metrics {
	m := &Metrics{
		taken:     prometheus.NewCounter(prometheus.CounterOpts{Namespace: "postroom", Name: "poll_mails_total", Help: "Mails taken from IMAP servers."}),
		failures:  prometheus.NewCounter(prometheus.CounterOpts{Namespace: "postroom", Name: "poll_failures_total", Help: "Polls that failed."}),
		looked:    prometheus.NewGauge(prometheus.GaugeOpts{Namespace: "postroom", Name: "poll_watched_timestamp_seconds", Help: "When late mailboxes were last looked for."}),
		mailboxes: prometheus.NewDesc("postroom_poll_mailboxes", "Mailboxes that this process polls, by state.", []string{"state"}, nil),
		backlog:   prometheus.NewDesc("postroom_poll_backlog", "Mails seen at IMAP servers and not yet taken.", nil, nil),
		oldest:    prometheus.NewDesc("postroom_poll_oldest_seconds", "Time since the last good poll of the mailbox for which it is longest.", nil, nil),
	}
	if r != nil {
		r.MustRegister(m.taken, m.failures, m.looked, m)
	}
	return m
}

func (m *Metrics) looks(ok bool) {
	if ok {
		m.looked.SetToCurrentTime()
	}
}

// Describe satisfies prometheus.Collector.
func (m *Metrics) Describe(ch chan<- *prometheus.Desc) {
	ch <- m.mailboxes
	ch <- m.backlog
	ch <- m.oldest
}

// Collect satisfies prometheus.Collector.
func (m *Metrics) Collect(ch chan<- prometheus.Metric) {
	var list []Status
	if m.source != nil {
		list = m.source()
	}
	states := map[State]int{}
	var backlog int64
	var oldest time.Duration
	for _, s := range list {
		states[s.State]++
		backlog += s.Backlog
		since := s.StateAt
		if s.PolledAt != nil {
			since = *s.PolledAt
		}
		oldest = max(oldest, time.Since(since))
	}
	for _, s := range []State{Unbegun, Connecting, CatchingUp, Watching, Waiting, Refused} {
		ch <- prometheus.MustNewConstMetric(m.mailboxes, prometheus.GaugeValue, float64(states[s]), string(s))
	}
	ch <- prometheus.MustNewConstMetric(m.backlog, prometheus.GaugeValue, float64(backlog))
	ch <- prometheus.MustNewConstMetric(m.oldest, prometheus.GaugeValue, oldest.Seconds())
}

// Statuses are how the mailboxes of this process do.
func (p *Poller) Statuses() []Status {
	var list []Status
	for _, r := range p.all() {
		r.mu.Lock()
		list = append(list, r.status)
		r.mu.Unlock()
	}
	return list
}
