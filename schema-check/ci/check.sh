#!/bin/sh
# The check in any CI server, or before a push: sh check.sh [BRANCH, COMMIT OR FILE TO COMPARE WITH] [MORE OPTIONS]
# LYCEUM_SCHEMA names the package: a version in a registry, the address of a tarball, or a file.
set -eu

against=${1:-origin/main}
if [ $# -gt 0 ]; then shift; fi
exec npx --yes --package "${LYCEUM_SCHEMA:-lyceum-schema}" lyceum-schema check --against "$against" \
  --write junit=schema-report/junit.xml --write markdown=schema-report/report.md "$@"
