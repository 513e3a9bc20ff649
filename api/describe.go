package api

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"reflect"
	"strings"

	"github.com/danielgtaylor/huma/v2"
	"github.com/danielgtaylor/huma/v2/adapters/humago"
	"github.com/google/uuid"

	"postroom/api/auth"
)

// version is the interface's, not the program's: it changes when a caller must.
const version = "1.0.0"

const about = `Mail in, tickets out.

* Ids are opaque strings. Times are RFC 3339 in UTC.
* What goes wrong is answered as ` + "`application/problem+json`" + ` (RFC 9457); decide by ` + "`code`" + `.
* Lists come in pages: follow ` + "`links.next`" + ` while ` + "`meta.has_more`" + ` is true.
* Send an ` + "`Idempotency-Key`" + ` with a POST and it is done once, however often you send it within a day.
* Single resources have an ` + "`ETag`" + `; send it back as ` + "`If-None-Match`" + `, or with a change as ` + "`If-Match`" + ` where that is offered.
* Every answer has ` + "`RateLimit-*`" + ` headers and an ` + "`X-Request-Id`" + `.
`

const actionKey = "action"

func actionOf(op *huma.Operation) auth.Action {
	a, _ := op.Metadata[actionKey].(auth.Action)
	return a
}

// describe makes the API and registers every operation.
func (s *server) describe() {
	config := huma.DefaultConfig("Postroom", version)
	config.CreateHooks = nil // they put the Host header into answers
	config.OpenAPIPath, config.DocsPath, config.SchemasPath = "", "", ""
	config.RejectUnknownQueryParameters = true // a filter with a slip in its name must not return everything
	config.OnAddOperation = []huma.AddOpFunc{useProblem}
	config.Transformers = []huma.Transformer{fromHuma}
	config.Info.Description = about
	config.Tags = []*huma.Tag{
		{Name: "workspaces", Description: "Companies, apart from each other in everything."},
		{Name: "mailboxes", Description: "Addresses at which a workspace receives mail."},
		{Name: "polling", Description: "Mailboxes that are polled by IMAP, and the access to them."},
		{Name: "messages", Description: "Mail, from its acceptance to its end."},
		{Name: "filter", Description: "What decides between ham and spam: settings, senders, training, and what would have been."},
		{Name: "tickets", Description: "Conversations with customers."},
		{Name: "operation", Description: "Accounts, the audit record, and the queue."},
	}
	config.Components.SecuritySchemes = map[string]*huma.SecurityScheme{
		"bearer": {Type: "http", Scheme: "bearer", Description: "The admin token."},
	}
	config.Security = []map[string][]string{{"bearer": {}}}
	s.api = humago.NewWithPrefix(s.mux, prefix, config)
	s.api.UseMiddleware(s.scope, s.takeBody, s.checkText, s.once)
	s.describeProblem()
	s.addWorkspaces()
	s.addMailboxes()
	s.addPolling()
	s.addConsents()
	s.addMessages()
	s.addContent()
	s.addVerdicts()
	s.addFilter()
	s.addTickets()
	s.addMoves()
	s.addStats()
	s.addAudit()
	s.addAlerts()
	s.addStages()
}

// describeProblem documents the one shape of all that goes wrong.
func (s *server) describeProblem() {
	c := s.api.OpenAPI().Components
	c.Responses = map[string]*huma.Response{"Problem": {
		Description: "What went wrong.",
		Content: map[string]*huma.MediaType{
			problemType: {Schema: c.Schemas.Schema(reflect.TypeFor[Problem](), true, "")},
		},
	}}
}

// useProblem puts our problem in the place of the library's error.
func useProblem(_ *huma.OpenAPI, op *huma.Operation) {
	for status := range op.Responses {
		if status >= "400" {
			op.Responses[status] = &huma.Response{Ref: "#/components/responses/Problem"}
		}
	}
}

// add registers an operation. Its errors become problems here and nowhere else.
func add[I, O any](s *server, action auth.Action, op huma.Operation, do func(context.Context, *I) (*O, error)) {
	op.Metadata = map[string]any{actionKey: action}
	op.Errors = append(op.Errors, 401, 403, 404, 429, 500, 503)
	op.MaxBodyBytes = cmp.Or(op.MaxBodyBytes, jsonBytes)
	switch op.Method {
	case http.MethodPost:
		op.Errors = append(op.Errors, 400, 409, 413, 415, 422)
		op.Parameters = append(op.Parameters, keyParam())
	case http.MethodPut:
		op.Errors = append(op.Errors, 400, 413, 415, 422)
	}
	op.BodyReadTimeout = -1 // takeBody has read it already
	huma.Register(s.api, op, func(ctx context.Context, in *I) (*O, error) {
		out, err := do(ctx, in)
		if err != nil {
			return nil, failed(ctx, err)
		}
		return out, nil
	})
}

// addIn registers an operation on what belongs to the workspace in its path.
func addIn[I, O any](s *server, action auth.Action, op huma.Operation, do func(context.Context, uuid.UUID, *I) (*O, error)) {
	op.Path = "/workspaces/{workspace}" + op.Path
	op.Parameters = append(op.Parameters, pathParam("workspace", "The workspace's id."))
	add(s, action, op, func(ctx context.Context, in *I) (*O, error) {
		return do(ctx, workspaceOf(ctx), in)
	})
}

func pathParam(name, doc string) *huma.Param {
	return &huma.Param{Name: name, In: "path", Required: true, Description: doc, Schema: &huma.Schema{Type: huma.TypeString}}
}

func keyParam() *huma.Param {
	most := maxKey
	return &huma.Param{
		Name: keyHeader, In: "header", Schema: &huma.Schema{Type: huma.TypeString, MaxLength: &most},
		Description: "Names this request: sent again with the same key within a day, it is answered as it was the first time and not done again.",
	}
}

// document returns the description as YAML and as JSON.
func (s *server) document() (asYAML, asJSON []byte) {
	doc := s.api.OpenAPI()
	for _, unused := range []string{"ErrorModel", "ErrorDetail"} { // the library's, which useProblem replaced
		delete(doc.Components.Schemas.Map(), unused)
	}
	for name, schema := range doc.Components.Schemas.Map() {
		loosen(name, schema)
	}
	asYAML, err := doc.YAML()
	if err != nil {
		panic(fmt.Sprintf("api description: %v", err)) // it is made of constants: a broken invariant at start-up
	}
	asJSON, err = json.Marshal(doc)
	if err != nil {
		panic(fmt.Sprintf("api description: %v", err))
	}
	return asYAML, asJSON
}

// loosen mends what the library says too strictly of answers: they may gain
// fields, and a word from a list that may be null may be null.
func loosen(name string, schema *huma.Schema) {
	if !strings.HasSuffix(name, "Body") {
		schema.AdditionalProperties = nil
	}
	for _, p := range schema.Properties {
		if p.Nullable && len(p.Enum) > 0 {
			p.Enum = append(p.Enum, nil)
		}
	}
}
