#!/bin/bash
# Runs a program on two hosts: two network namespaces of this machine with a cable between them. As root.
#   two-hosts.sh COMMAND...    {node}, {address} and {port} in COMMAND become the host's number and where host 0 is reached
set -eu
name=thinkrl$$
clean() {
  ip netns del "${name}a" 2> /dev/null || true
  ip netns del "${name}b" 2> /dev/null || true
}
trap clean EXIT
ip netns add "${name}a"
ip netns add "${name}b"
ip link add "v${name: -6}a" netns "${name}a" type veth peer name "v${name: -6}b" netns "${name}b"
for host in a b; do
  ip -n "$name$host" link set lo up
  ip -n "$name$host" link set "v${name: -6}$host" up
done
ip -n "${name}a" addr add 10.77.0.1/24 dev "v${name: -6}a"
ip -n "${name}b" addr add 10.77.0.2/24 dev "v${name: -6}b"

on_host() {
  local namespace=$1 node=$2
  shift 2
  local words=()
  for word in "$@"; do
    word=${word//\{node\}/$node}
    word=${word//\{address\}/10.77.0.1}
    words+=("${word//\{port\}/29777}")
  done
  ip netns exec "$namespace" "${words[@]}"
}

on_host "${name}a" 0 "$@" &
first=$!
status=0
on_host "${name}b" 1 "$@" || status=$?
wait $first || status=$?
exit $status
