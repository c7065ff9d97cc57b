#!/usr/bin/env bash
# Holds the REST interface against its own OpenAPI document for a while: a stack of its own, a seed from
# the commit, and whatever schemathesis can think of. Usage: schemathesis.sh [SECONDS]
set -euo pipefail
cd "$(dirname "$0")/.."
seconds=${1:-90}
millrace=build/${PRESET:-release}/bin/millrace
stack=$PWD/build/schemathesis
rm -rf -- "$stack"
trap '"$millrace" --dir "$stack" down >/dev/null 2>&1 || true' EXIT

"$millrace" --dir "$stack" up
url=$("$millrace" --dir "$stack" status -o json | python3 -c 'import json, sys; print(json.load(sys.stdin)["url"])')
seed=$((16#$(git rev-parse --short=7 HEAD 2>/dev/null || echo 1)))

PYTHONPATH=.deps/schemathesis python3 -m schemathesis.cli --config-file tools/schemathesis.toml run "$url/v1/openapi.json" \
  --header "Authorization: Bearer $(cat "$stack/tokens/api")" \
  --max-time "$seconds" --seed "$seed" --generation-database none --no-color \
  --checks not_a_server_error,status_code_conformance,content_type_conformance,response_headers_conformance,response_schema_conformance,negative_data_rejection
"$millrace" --dir "$stack" status >/dev/null  # whatever was sent, everything still runs
