#!/bin/bash
# Shards over ssh, for real: an sshd of this script's own on this machine (Debian: apt-get install openssh-server parallel), to which
# two names of hosts lead, with keys that are made for it, and the recipes of docs/scale.md through GNU parallel: hosts that
# see the file, hosts that do not, and a host that is gone. Compares the models with that of one pass, and takes everything down
# again. Changes nothing outside of its folder, but for sshd's empty folder /run/sshd where root has none.
# Usage: scripts/ssh-demo.sh
set -euo pipefail
here=$(realpath "$(dirname "$0")/..")
for program in /usr/sbin/sshd ssh ssh-keygen parallel; do
  command -v $program > /dev/null || { echo "no $program: apt-get install openssh-server parallel" >&2; exit 2; }
done
at=$(mktemp -d /tmp/ssh-demo.XXXXXX)
chmod 700 "$at"
pid=
down() {
  trap - EXIT
  [ -z "$pid" ] || kill "$pid" 2> /dev/null || true
  wait || true
  rm -rf "$at"
}
trap down EXIT

mkdir -p "$at"/{bin,here,there,home/.parallel/tmp}
printf '#!/bin/sh\nexec %s %s "$@"\n' "$(command -v node)" "$here/bin/goml.js" > "$at/bin/goml"
chmod 755 "$at/bin/goml"
ssh-keygen -q -t ed25519 -N "" -f "$at/host"
ssh-keygen -q -t ed25519 -N "" -f "$at/key"
port=$(node -e 'const s = require("node:net").createServer().listen(0, "127.0.0.1", () => { console.log(s.address().port); s.close(); })')
cat > "$at/sshd_config" << CONF
Port $port
ListenAddress 127.0.0.1
HostKey $at/host
PidFile $at/sshd.pid
AuthorizedKeysFile $at/key.pub
StrictModes no
PasswordAuthentication no
PermitRootLogin prohibit-password
MaxStartups 100
SetEnv PATH=$at/bin:/usr/local/bin:/usr/bin:/bin HOME=$at/home
CONF
[ "$(id -u)" != 0 ] || mkdir -p /run/sshd
/usr/sbin/sshd -D -f "$at/sshd_config" -E "$at/sshd.log" &
pid=$!
cat > "$at/ssh_config" << CONF
Host node1 node2
  HostName 127.0.0.1
  Port $port
  HostKeyAlias demo
Host gone
  HostName 127.0.0.1
  Port 1
Host *
  IdentityFile $at/key
  IdentitiesOnly yes
  UserKnownHostsFile $at/known
  StrictHostKeyChecking accept-new
  BatchMode yes
  LogLevel ERROR
CONF
export HOME="$at/home" PARALLEL_SSH="ssh -F $at/ssh_config" PARALLEL_HOME="$at/home/.parallel" PATH="$at/bin:$PATH"
touch "$PARALLEL_HOME/will-cite"
for _ in $(seq 50); do $PARALLEL_SSH node1 true 2> /dev/null && break; sleep 0.1; done
echo "goml at node1: $($PARALLEL_SSH node1 goml --version), at node2: $($PARALLEL_SSH node2 goml --version)"

cd "$at/here"
awk 'BEGIN { srand(7); print "customer,price,stock,sold"
  for (i = 0; i < 200000; i++) { p = rand() * 9; s = int(rand() * 50)
    printf "%d,%.3f,%d,%.4f\n", rand() * 5000, p, s, 20 - 1.5 * p + 0.1 * s + rand() } }' > sales.csv
goml train sales.csv -t sold --fold-by customer -q -m whole.json
# All that inspect prints of the fit, to 10 digits.
fit() { goml inspect "$1" --json | node -e '
  let text = ""; process.stdin.on("data", (d) => { text += d }).on("end", () => {
    const { coefficients, fit, cv } = JSON.parse(text);
    console.log(JSON.stringify({ coefficients, fit, cv }, (_, v) => typeof v === "number" ? Number(v.toPrecision(10)) : v)) })'; }
same() { [ "$(fit sales.json)" = "$(fit whole.json)" ] && echo "$1: the model of one pass"; }

# The blocks of the page, as they stand there.
block() { awk -v n="$1" '/^## /{ s = ($0 == "## Over ssh") } s && /^```$/ { b = 0 } b && i == n { print } s && /^```bash$/ { b = 1; i++ }' \
  "$here/docs/scale.md"; }
run() { block "$1" > "$at/block"; [ -s "$at/block" ]; bash -euo pipefail "$at/block"; }
run 1
same "hosts that see the file"
rm -r parts sales.json
# A host that is gone: parallel fails, and nothing is merged.
block 1 | sed 's/node1,node2/node1,gone/' > "$at/block"
if bash -euo pipefail "$at/block" 2> "$at/gone"; then echo "a host that is gone went unseen" >&2; exit 1; fi
[ ! -e sales.json ]
echo "a host that is gone: $(ls parts 2> /dev/null | wc -l) of 8 shards, no sales.json"
rm -rf parts
# Another folder stands for the other hosts' disks.
run() { block "$1" | sed "s#/tmp/sales#$at/there#" > "$at/block"; [ -s "$at/block" ]; bash -euo pipefail "$at/block"; }
run 2
same "the file sent to each host"
rm -r parts sales.json
run 3
same "the file's parts sent"
