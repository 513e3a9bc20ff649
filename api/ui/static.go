package ui

import (
	"bytes"
	"crypto/sha256"
	"embed"
	"encoding/base64"
	"fmt"
	"io/fs"
	"net/http"
	"time"
)

//go:embed static templates
var files embed.FS

// static serves the files that pages load. Each is known by the hash of its
// content, so a browser may keep it for ever under the URL that names the hash.
type static map[string]staticFile

type staticFile struct {
	body []byte
	hash string
}

func loadStatic() static {
	s := static{}
	entries, err := fs.ReadDir(files, "static")
	if err != nil {
		panic(fmt.Sprintf("static files: %v", err)) // they are embedded: a broken build
	}
	for _, e := range entries {
		body, err := files.ReadFile("static/" + e.Name())
		if err != nil {
			panic(fmt.Sprintf("static file: %v", err))
		}
		sum := sha256.Sum256(body)
		s[e.Name()] = staticFile{body, base64.RawURLEncoding.EncodeToString(sum[:12])}
	}
	return s
}

// url returns where a file is, with its hash.
func (s static) url(name string) string { return "/static/" + name + "?v=" + s[name].hash }

func (s static) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	f, ok := s[r.PathValue("file")]
	if !ok {
		http.NotFound(w, r)
		return
	}
	w.Header().Set("ETag", `"`+f.hash+`"`)
	w.Header().Set("Cache-Control", "public, no-cache")
	if r.URL.Query().Get("v") == f.hash {
		w.Header().Set("Cache-Control", "public, max-age=31536000, immutable")
	}
	http.ServeContent(w, r, r.PathValue("file"), time.Time{}, bytes.NewReader(f.body))
}
