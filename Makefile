SHELL := /bin/bash
.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
MAKEFLAGS += --no-print-directory

JEST := npm run -s jest --
JEST_NODE := --experimental-vm-modules --disable-warning=ExperimentalWarning node_modules/jest/bin/jest.js
# The folder below test/ is the class that a test file belongs to.
ONE = --selectProjects $(word 2,$(subst /, ,$(T))) $(if $(NAME),--testNamePattern="$(NAME)") --runTestsByPath $(or $(T),$(error T is missing: the path of a test file, as in T=test/unit/json.test.ts))
INSTALLED := node_modules/.installed

# Where what is released goes: host and path, below which are holdfast (the image) and charts/holdfast. Set it once, in the
# forge's variable REGISTRY; in lower case, as registries want it.
REGISTRY ?= registry.example.com
# Where people find the repository: the links of the chart.
PROJECT_URL ?= https://git.example.com/holdfast
# With or without the v of a tag.
VERSION ?= $(shell sed -n 's/^  "version": "\(.*\)",$$/\1/p' package.json)
RELEASING := prepare-release changelog-entry login package-chart push-chart push-image sign release-page
$(RELEASING): override export REGISTRY := $(REGISTRY)
$(RELEASING): override export PROJECT_URL := $(PROJECT_URL)
$(RELEASING): override export VERSION := $(patsubst v%,%,$(VERSION))

.PHONY: help
help: ## Print every target.
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  %-18s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

$(INSTALLED): package.json package-lock.json .npmrc
	npm ci --no-audit --no-fund --loglevel=error
	@npm exec --no -- node -e 'const [want, have] = [require("./package.json").devDependencies.node, process.versions.node]; if (want !== have) { console.error(`node_modules has Node $${have}, not $${want}: was npm run with --ignore-scripts?`); process.exit(1) }'
	@touch $@

.PHONY: install
install: $(INSTALLED) ## Install what package-lock.json names, Node included.

.PHONY: run
run: $(INSTALLED) ## Run every example against a small server on loopback, without a cluster.
	@npm exec --no -- node test/support/demo.ts

.PHONY: origin
origin: $(INSTALLED) ## Start the server that the examples talk to, and nothing else.
	@npm exec --no -- node test/support/demo.ts --serve

.PHONY: test
test: verify test-unit test-model test-http test-standalone test-kubernetes test-fault test-security test-chart test-project test-real ## Run everything.

.PHONY: test-unit
test-unit: $(INSTALLED) ## Pure parts: seconds.
	npm test

.PHONY: test-model
test-model: $(INSTALLED) ## Pure parts in every order, over long texts, and against jq: minutes.
	$(JEST) --selectProjects model --maxWorkers=100%

.PHONY: test-one
test-one: $(INSTALLED) ## One test file: T=test/unit/json.test.ts, and NAME='words of a test' for one test of it.
	$(JEST) --runInBand $(ONE)

.PHONY: watch
watch: $(INSTALLED) ## Run the unit tests, or T=test/http/request.test.ts, at every change of a file.
	$(JEST) --watchAll $(if $(T),$(ONE),--selectProjects unit)

.PHONY: debug
debug: $(INSTALLED) ## As test-one, waiting for a debugger: chrome://inspect, or an editor that attaches to port 9229.
	@npm exec --no -- node --inspect-brk $(JEST_NODE) --runInBand --testTimeout=3600000 $(ONE)

.PHONY: test-http
test-http: $(INSTALLED) ## The HTTP side against real servers on loopback.
	$(JEST) --selectProjects http --maxWorkers=100%

.PHONY: test-standalone
test-standalone: $(INSTALLED) ## Manifests from files, state in SQLite.
	$(JEST) --selectProjects standalone --maxWorkers=100%

.PHONY: test-kubernetes
test-kubernetes: $(INSTALLED) ## Against a real kube-apiserver and etcd.
	$(JEST) --selectProjects kubernetes --maxWorkers=2

.PHONY: test-security
test-security: $(INSTALLED) ## Attacks: where requests may go, in network namespaces of their own.
	$(JEST) --selectProjects security --maxWorkers=1

.PHONY: test-chart
test-chart: $(INSTALLED) ## The chart, by a real Helm on a real kube-apiserver.
	$(JEST) --selectProjects chart --maxWorkers=2

.PHONY: test-real
test-real: $(INSTALLED) ## Against servers that others wrote, on loopback: nginx, Apache, RabbitMQ, etcd and more.
	$(JEST) --selectProjects real --maxWorkers=2

.PHONY: test-project
test-project: $(INSTALLED) ## The repository itself: its workflows, its hook, its targets, its site.
	$(JEST) --selectProjects project

.PHONY: bench-http
bench-http: $(INSTALLED) ## Compare HTTP clients against one server: requests a second, CPU, connections; HTTP: how many requests and part of names, or pairs.
	@npm exec --no -- node bench/http/main.ts $(HTTP)

.PHONY: bench-parts
bench-parts: $(INSTALLED) ## CPU of the small parts of an exchange and of a look, by themselves.
	@npm exec --no -- node bench/parts.ts

.PHONY: bench-idle
bench-idle: $(INSTALLED) ## Send POSTs to gunicorn, HAProxy, nginx and Apache when they close idle connections: minutes; ROUNDS: of 50.
	@npm exec --no -- node bench/idle/main.ts $(ROUNDS)

.PHONY: test-fault
test-fault: $(INSTALLED) ## Kills, outages, lags and lies, against a real kube-apiserver: minutes.
	$(JEST) --selectProjects fault --maxWorkers=2

.PHONY: soak
soak: $(INSTALLED) ## The same at full length: hours; MINUTES: how long loads last; ONLY=test/fault/soak.test.ts: an hour and 1,000 kills.
	HOLDFAST_SOAK=1 HOLDFAST_SOAK_MINUTES=$(or $(MINUTES),60) $(JEST) --selectProjects fault --maxWorkers=1 $(ONLY)
	$(if $(ONLY),,HOLDFAST_SOAK=1 $(JEST) --selectProjects kubernetes --maxWorkers=1 --testPathPatterns handover)

.PHONY: fuzz
fuzz: $(INSTALLED) ## The fuzz tests with FACTOR (100) times as many cases, other ones each time: minutes.
	HOLDFAST_FUZZ_FACTOR=$(or $(FACTOR),100) $(JEST) $$(grep -rl support/fuzz.ts test --include=*.test.ts)

.PHONY: jq-tests
jq-tests: $(INSTALLED) ## Hold the evaluator for simple expressions against jq over jq's own tests; FILES: tests/*.test of its sources.
	@npm exec --no -- node tools/jq-tests.ts $(or $(FILES),$(error FILES is missing: tests/*.test of the sources of jq))

.PHONY: build
build: $(INSTALLED) ## Bundle the sources into dist, as the image has them.
	npm run -s build

.PHONY: control-plane
control-plane: ## Build kube-apiserver, etcd and kubectl into the cache, once.
	@test/control-plane/ensure.sh

.PHONY: helm
helm: ## Build Helm into the cache, once.
	@test/helm/ensure.sh

.PHONY: prometheus-adapter
prometheus-adapter: ## Build prometheus-adapter into the cache, once: minutes. Then the chart's tests have it answer by the documented rule.
	@test/go/ensure.sh prometheus-adapter

.PHONY: generate
generate: $(INSTALLED) ## Write the files that are made from the code: CRDs, reference pages, the chart's values and alerts.
	@npm exec --no -- node tools/generate/generate.ts

.PHONY: format
format: $(INSTALLED) ## Format the sources.
	npm run -s format

.PHONY: hooks
hooks: ## Have git check format and lint of what you commit, here in this checkout.
	git config core.hooksPath tools/hooks

.PHONY: verify
verify: $(INSTALLED) ## Check format, lint, types, repeats and generated files.
	npm run -s format:check
	npm run -s lint
	npm run -s types
	npm run -s repeats
	@generated() { find crds schemas gitops docs/api docs/guide docs/developers docs/http-client.md docs/metrics.md docs/threat-model.md docs/runbooks charts -type f | sort | xargs cat | sha256sum; }; before=$$(generated); $(MAKE) generate; [ "$$before" = "$$(generated)" ] \
	  || { echo "generated files were out of date; they are now written anew: commit them" >&2; exit 1; }

.PHONY: bench-fleet
bench-fleet: build ## Time fleets on a real API server, beside the least possible; FLEETS: sizes, and steady=N.
	@npm exec --no -- node bench/fleet/main.ts $(FLEETS)

SLOT_LATENCIES := 0,100,500
.PHONY: bench-slots
bench-slots: build ## POSTs by 1, 2 and 4 slots, near the API server and far: minutes; POSTS (400), LATENCIES (0,100,500); MANY: so many objects at rest in four slots.
	@npm exec --no -- node bench/slots/main.ts $(or $(POSTS),400) latencies=$(or $(LATENCIES),$(SLOT_LATENCIES)) many=$(or $(MANY),0)

.PHONY: bench-poll
bench-poll: build ## CPU of looking at objects that are as they should be, beside bare GETs; POLLS: SHAPE:OBJECTS:INTERVAL_SECONDS[:https][:info][:cold][:changing] …
	@npm exec --no -- node bench/poll/main.ts $(POLLS)

.PHONY: bench-loop
bench-loop: $(INSTALLED) ## How long the event loop is kept with many objects; OBJECTS (100000), NAMESPACES (2000).
	@npm exec --no -- node --expose-gc bench/loop/main.ts $(or $(OBJECTS),100000) $(or $(NAMESPACES),2000)

.PHONY: bench-memory
bench-memory: $(INSTALLED) ## Heap, first look and longest stall with many objects, beside a program that only lists them; OBJECTS: how many …
	@npm exec --no -- node bench/memory/main.ts $(OBJECTS)

.PHONY: bench-status
bench-status: $(INSTALLED) ## CPU of writing a status, beside undici alone, against a real API server; OTHERS: checkouts of other versions.
	@npm exec --no -- node bench/status/main.ts $(OTHERS)

.PHONY: bench-image
bench-image: build ## Peak memory with 300 requests and 300 resources on a real API server, as the image has it, beside Node and undici alone.
	@npm exec --no -- node bench/image/main.ts

.PHONY: bench-start
bench-start: build ## Time and memory of loading a controller, from the sources and as the image has it.
	@npm exec --no -- node bench/start.ts

.PHONY: sbom
sbom: $(INSTALLED) ## Write sbom.json: what the image's packages are, as CycloneDX.
	@npm sbom --omit=dev --sbom-format=cyclonedx --sbom-type=application --loglevel=error > sbom.json
	@npm exec --no -- node -e 'const {components} = JSON.parse(fs.readFileSync("sbom.json")); console.log(`sbom.json: $${components.length} packages`)'

SITE_INSTALLED := site/node_modules/.installed
$(SITE_INSTALLED): site/package.json site/package-lock.json site/.npmrc
	cd site && npm ci --ignore-scripts --no-audit --no-fund --loglevel=error
	@touch $@

.PHONY: site
site: export PROJECT_URL := $(PROJECT_URL)
site: $(INSTALLED) $(SITE_INSTALLED) ## Build the site of docs/ into site/dist, without what a network has; SITE_BASE: /path/ below which it will be.
	@npm exec --no -- node tools/site/write-pages.ts
	@npm exec --no -- node site/node_modules/vitepress/bin/vitepress.js build site

.PHONY: prepare-release
prepare-release: $(INSTALLED) ## Before a tag: make what is unreleased the changelog's entry of VERSION, and set all versions.
	@npm exec --no -- node tools/release/changelog.ts prepare "$$VERSION"
	npm version --no-git-tag-version --allow-same-version --loglevel=error "$$VERSION"

.PHONY: changelog-entry
changelog-entry: $(INSTALLED) ## Print the changelog's entry of VERSION; fail where it or a version is missing.
	@npm exec --no -- node tools/release/changelog.ts entry "$$VERSION"

.PHONY: login
login: ## Log in at the registry, as REGISTRY_USER with REGISTRY_TOKEN.
	@printf %s "$$REGISTRY_TOKEN" | docker login --username "$$REGISTRY_USER" --password-stdin "$${REGISTRY%%/*}"

.PHONY: package-chart
package-chart: ## Write dist/holdfast-VERSION.tgz: the chart, naming the image below REGISTRY.
	@HELM=$$(test/helm/ensure.sh) && HELM=$$HELM tools/release/package-chart.sh

.PHONY: push-chart
push-chart: package-chart ## Push the chart, as an OCI artifact: REGISTRY/charts/holdfast.
	@HELM=$$(test/helm/ensure.sh) && HELM=$$HELM tools/release/push.sh chart

.PHONY: push-image
push-image: ## Build the image for amd64 and arm64, with SBOM and provenance, and push it: REGISTRY/holdfast.
	@tools/release/push.sh image

.PHONY: sign
sign: sbom ## Sign image and chart by cosign, and attach the SBOM.
	@tools/release/sign.sh

.PHONY: release-page
release-page: ## Publish the changelog's entry of VERSION, with chart and SBOM, on the forge.
	@$(MAKE) changelog-entry > dist/notes.md
	gh release create "v$$VERSION" --verify-tag --title "$$VERSION" --notes-file dist/notes.md "dist/holdfast-$$VERSION.tgz" sbom.json

.PHONY: ci-packages
ci-packages: ## As root, on Debian: install what the tests need besides npm, make and Go.
	$(or $(APT),apt-get -qq) update
	$(or $(APT),apt-get -qq) install -y --no-install-recommends git iproute2 make procps python3 python3-pip

.PHONY: audit
audit: $(INSTALLED) ## Ask the registry for known weaknesses of the image's packages.
	npm audit --omit=dev --audit-level=moderate

.PHONY: clean
clean: ## Remove what was installed and measured here.
	rm -rf node_modules coverage
