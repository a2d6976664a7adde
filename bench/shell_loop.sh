#!/usr/bin/env bash
# What hail does, as a shell loop: shell_loop.sh PROFILE JOB-URI SECONDS
#
# For the comparison only. It asks Hydra as sparingly as hail does: one HEAD a poll, and the build only when its number
# has changed. It has no time limits, no locks, no netrc, no diagnosis, and it believes whatever it is told.
set -uo pipefail
profile=$1 uri=$2 period=$3
base=${uri%%/job/*}
last=

while :; do
  location=$(curl --silent --head --header 'Accept: application/json' --output /dev/null \
    --write-out '%{redirect_url}' "$uri/latest")
  id=${location##*/}
  if [ -n "$id" ] && [ "$id" != "$last" ]; then
    path=$(curl --silent --fail --header 'Accept: application/json' "$base/build/$id" |
      jq --raw-output --exit-status 'select(.finished == 1 and .buildstatus == 0) | .buildoutputs.out.path') &&
      if [ "$(readlink --canonicalize "$profile")" != "$path" ]; then
        nix-env --profile "$profile" --set "$path" >/dev/null 2>&1 && "$profile/bin/activate"
      fi &&
      last=$id
  fi
  sleep "$period"
done
