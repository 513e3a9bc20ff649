// Package ingest takes mail in and carries it to its end: a message is accepted
// durably, passes a staged queue, and is filed as a ticket or a reply, held with
// its cause, recognised as a duplicate, or failed with its reason. No message is
// ever lost or filed twice.
//
//	Accept ──commit──> received ──parse──> parsed ──score──> scored ──file──> filed
//	                      │                  │                 ├──> held       quarantined, with a cause
//	                      │                  │                 └──> duplicate  of a message that is named
//	                      └──────────────────┴── after the last attempt ──> failed
//
// A message that waits has a job. Whoever works on it holds a lease (due_at lies
// ahead) and the number of its attempt; only the holder of the latest attempt may
// take the job away, and does so in the transaction that writes what became of the
// message. The process that accepted a message keeps it in memory and carries it
// on after the commit, under a lease that the job is born with; what it cannot
// keep, or leaves behind when it dies, is claimed from the table.
//
// Stages are places where a message can rest, not round trips: a worker carries
// a batch through all of them and writes once. What must hold:
//   - nothing is answered, flagged or shown before its commit;
//   - everything behind Accept is a function of the raw bytes, the envelope, the
//     settings and the model, so that it can be done again;
//   - one bad message stops nobody: a batch that fails is retried one by one.
package ingest
