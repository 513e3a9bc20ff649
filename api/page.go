package api

import (
	"bytes"
	"context"
	"encoding/base64"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/google/uuid"

	"postroom/tickets"
)

// PageIn asks for a page of a list.
type PageIn struct {
	Size  int    `query:"page[size]" minimum:"1" maximum:"100" default:"50" doc:"How many to return."`
	After string `query:"page[after]" maxLength:"200" doc:"Where the page before ended: the value in its links.next."`
}

// A Page is one page of a list. It goes on behind the last item, not at a count,
// so what arrives in the meantime shifts nothing.
type Page[T any] struct {
	Data  []T       `json:"data" nullable:"false"`
	Meta  PageMeta  `json:"meta"`
	Links PageLinks `json:"links"`
}

// PageMeta says whether a list goes on.
type PageMeta struct {
	HasMore bool `json:"has_more"`
}

// PageLinks says where a list goes on.
type PageLinks struct {
	Next *string `json:"next" doc:"The next page, null on the last one."`
}

type pageOut[T any] struct{ Body Page[T] }

// pageOf makes a page of up to size rows, of which the caller has fetched one more
// when there is one. place tells where a page that ends with this row ends.
func pageOf[R, T any](ctx context.Context, size int, rows []R, show func(R) T, place func(R) string) *pageOut[T] {
	p := Page[T]{Data: make([]T, 0, min(size, len(rows)))}
	for _, r := range rows[:min(size, len(rows))] {
		p.Data = append(p.Data, show(r))
	}
	if len(rows) > size {
		next := nextURL(requestOf(ctx).url, base64.RawURLEncoding.EncodeToString([]byte(place(rows[size-1]))))
		p.Meta.HasMore, p.Links.Next = true, &next
	}
	return &pageOut[T]{p}
}

func nextURL(u *url.URL, after string) string {
	q := u.Query()
	q.Set("page[after]", after)
	return u.Path + "?" + q.Encode()
}

// place returns the inside of the cursor, "" for the first page.
func (p PageIn) place() (string, error) {
	b, err := base64.RawURLEncoding.DecodeString(p.After)
	if err != nil || !tickets.Storable(string(b)) {
		return "", errPlace()
	}
	return string(b), nil
}

func errPlace() error {
	return &tickets.InvalidError{Field: "query.page[after]", Reason: "it is not what links.next of this list gave"}
}

// id reads a cursor that is an id; nil on the first page.
func (p PageIn) id() (*uuid.UUID, error) {
	s, err := p.place()
	if err != nil || s == "" {
		return nil, err
	}
	id, err := uuid.Parse(s)
	if err != nil {
		return nil, errPlace()
	}
	return &id, nil
}

// number reads a cursor that is a number; 0 on the first page.
func (p PageIn) number() (int64, error) {
	s, err := p.place()
	if err != nil || s == "" {
		return 0, err
	}
	n, err := strconv.ParseInt(s, 10, 64)
	if err != nil || n < 0 {
		return 0, errPlace()
	}
	return n, nil
}

// ticket reads a cursor into a list of tickets; nil on the first page.
func (p PageIn) ticket() (*tickets.Place, error) {
	s, err := p.place()
	if err != nil || s == "" {
		return nil, err
	}
	at, id, _ := strings.Cut(s, " ")
	micros, err := strconv.ParseInt(at, 10, 64)
	if err != nil {
		return nil, errPlace()
	}
	place := tickets.Place{UpdatedAt: time.UnixMicro(micros).UTC()}
	if place.ID, err = uuid.Parse(id); err != nil {
		return nil, errPlace()
	}
	return &place, nil
}

func ticketPlace(t tickets.Ticket) string {
	return strconv.FormatInt(t.UpdatedAt.UnixMicro(), 10) + " " + t.ID.String()
}

// behind returns the part of a short list that follows an id; the list is in the
// order of its ids.
func behind[R any](list []R, after *uuid.UUID, id func(R) uuid.UUID) []R {
	if after == nil {
		return list
	}
	for i, r := range list {
		if next := id(r); bytes.Compare(next[:], after[:]) > 0 {
			return list[i:]
		}
	}
	return nil
}
