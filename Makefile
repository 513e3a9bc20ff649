# make run   start Postroom on its private database, with mails to look at
# make test  everything that must hold, with -race
SHELL := /bin/bash
GO ?= go
BIN := bin/postroom
STATICCHECK := honnef.co/go/tools/cmd/staticcheck@v0.8.2
FUZZTIME ?= 30s

.PHONY: run test check build bench bench-mail bench-filter torture fuzz chaos schema generate tools bench-tools clean

run:
	@./.ci/tools postgresql
	@$(MAKE) --no-print-directory build
	./$(BIN) demo

build:
	$(GO) build -trimpath -o $(BIN) ./cmd/postroom

# What every commit must pass: format, vet, staticcheck, the import law.
check:
	@out=$$(gofmt -l $$(git ls-files --cached --others --exclude-standard '*.go')); [ -z "$$out" ] || { echo "not gofmt'ed:"; echo "$$out"; exit 1; }
	$(GO) vet ./...
	$(GO) run $(STATICCHECK) ./...
	$(GO) test -run '^TestImportLaw$$' .

test: tools check
	$(GO) test -race -timeout 14m ./...
	$(GO) test -run '^Test(GoodWords|Dictionary|Tricks|Accuracy|ManyWorkspaces)$$' ./classify # skipped above: the race detector makes them ten times slower

# The long versions of the force tests: hundreds of kills, a database gone for half a minute.
chaos: tools
	POSTROOM_CHAOS=long $(GO) test -run '^Test(ZeroLoss|KilledAtFirstStart|StoppedUnderLoad|RecycledPID|DiskFull|DatabaseStopped|ClockJump|TwoProcesses)$$' -v -timeout 60m ./cmd/postroom/
	POSTROOM_CHAOS=long $(GO) test -run '^Test(Torture|CutEverywhere)$$' -v -timeout 60m ./ingest/imappoll/
	POSTROOM_CHAOS=long $(GO) test -run '^TestManyWorkspaces$$' -v -timeout 60m ./classify/
	POSTROOM_CHAOS=long $(GO) test -run '^TestImportKilled$$' -v -timeout 20m ./ingest/imappoll/
	@dir=$$(mktemp -d) && trap 'rm -rf "$$dir"' EXIT && if ./.ci/courier "$$dir"; \
	then POSTROOM_CHAOS=long POSTROOM_COURIER="$$dir" $(GO) test -run '^TestTortureCourier$$' -v -timeout 40m ./ingest/imappoll/; \
	else echo "Courier is left out: apt cannot fetch its packages here"; fi

bench: tools bench-tools
	$(GO) test -run '^$$' -bench . -benchmem ./...
	$(GO) run ./cmd/bench

# Reading mail, beside enmime: a module of its own, which Postroom's build never sees.
bench-mail:
	cd cmd/bench/enmime && $(GO) test -run '^$$' -bench . -benchmem
	$(GO) test -run '^$$' -bench 'Linear|Giants|Sanitise' ./ingest/mail

# Every message of the corpora cut at 200 places, flipped and joined.
torture:
	POSTROOM_TORTURE=long $(GO) test -run '^TestTorture$$' -v -timeout 60m ./ingest/mail

# The filter beside bogofilter and SpamAssassin's Bayes, on the same mails in the same order; what a mail costs first.
bench-filter:
	@./.ci/tools bogofilter spamassassin
	$(GO) test -run '^$$' -bench '^BenchmarkCorpus$$' -benchtime 5x ./classify
	$(GO) run ./cmd/benchfilter --figure docs/learning-curve.svg

fuzz:
	@for p in $$($(GO) list ./...); do \
		for f in $$($(GO) test -list '^Fuzz' $$p | grep '^Fuzz'); do \
			echo "== $$p $$f"; $(GO) test -run '^$$' -fuzz "^$$f\$$" -fuzztime $(FUZZTIME) $$p || exit 1; \
		done; \
	done

# The schema as the migrations leave it, for people to read.
schema: tools
	$(GO) test -count=1 -run '^TestSchema$$' ./internal/postgres -update

# Installs what is missing, or says exactly what to install.
tools:
	@./.ci/tools postgresql chromium faketime dovecot-imapd dovecot-submissiond

bench-tools:
	@./.ci/tools postfix

clean:
	rm -rf bin
