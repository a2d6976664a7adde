#!/bin/sh
# Makes the certificates of this folder anew. Needs openssl.
set -eu
cd "$(dirname "$0")"
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

curve="-algorithm EC -pkeyopt ec_paramgen_curve:P-256"
# shellcheck disable=SC2086
openssl genpkey $curve -out "$work/authority.key"
# shellcheck disable=SC2086
openssl genpkey $curve -out server.key
openssl req -x509 -new -key "$work/authority.key" -out authority.pem -days 36500 -subj "/CN=hail test authority" \
  -addext basicConstraints=critical,CA:TRUE -addext keyUsage=critical,keyCertSign

cat >"$work/ca.conf" <<CONF
[ca]
default_ca = own
[own]
new_certs_dir = $work
database = $work/index
serial = $work/serial
default_md = sha256
policy = any
copy_extensions = copy
[any]
commonName = supplied
CONF
: >"$work/index"
echo 01 >"$work/serial"

sign() { # FILE SUBJECT-ALTERNATIVE-NAMES NOT-BEFORE NOT-AFTER
  openssl req -new -key server.key -out "$work/request" -subj "/CN=$1" -addext "subjectAltName=$2"
  openssl ca -batch -notext -config "$work/ca.conf" -cert authority.pem -keyfile "$work/authority.key" \
    -in "$work/request" -out "$1" -startdate "$3" -enddate "$4"
}
sign server.pem "IP:127.0.0.1,DNS:localhost" 20200101000000Z 21260101000000Z
sign other-name.pem "DNS:other.invalid" 20200101000000Z 21260101000000Z
sign expired.pem "IP:127.0.0.1,DNS:localhost" 20200101000000Z 20210101000000Z
