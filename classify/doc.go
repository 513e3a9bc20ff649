// Package classify scores mail between ham and spam, says why, and learns from verdicts.
//
// Its one job is the road from a [Document] to a [Score]:
//
//	            keyed hashes      four raw scores,       log-odds by the ranks of
//	                              sums of token terms    earlier scores
//	Document ──> Features ──┬──> logistic ─────────────> ┐
//	             words      ├──> bayes (jbrukh) ───────> │
//	             patterns   ├──> margin ───────────────> ├─ weighted sum, and signals ──> P, verdict, why
//	                        └──> fisher ───────────────> ┘
//
// and the road back from a verdict to the model:
//
//	Judgement ──> Train: a row of classify_event ──NOTIFY──> every process: model = f(journal)
//
// A model is a pure function of the judgements that stand: those that no later judgement of the same message replaces.
// A first judgement is learned in place. One that replaces or forgets another makes a new model, from the newest snapshot
// that does not hold the old verdict, so that nothing of the old verdict remains, bit for bit. (Bit for bit on one
// kind of processor: the exponential of the standard library may round differently on another.)
//
// The explanation is exact. Each member's raw score is a sum of token terms; its calibration is monotone; and its share of
// the log-odds is spread over its terms along the line from "no evidence" to the score reached. So the contributions, the
// baseline and the rest included, add up to the log-odds.
//
// The package must never: say spam or ham below its minimum of training, let one workspace's training move another's
// score, keep a word of a mail (only keyed hashes are stored), or read headers that the receiving side added.
package classify
