package imappoll

import "context"

// FillRoom takes all memory for mails, until it is given back.
func (p *Poller) FillRoom(ctx context.Context) (give func(), err error) {
	if err := p.room.sem.Acquire(ctx, p.room.max); err != nil {
		return nil, err
	}
	return func() { p.room.give(p.room.max) }, nil
}
