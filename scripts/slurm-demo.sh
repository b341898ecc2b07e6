#!/bin/bash
# Shards on Slurm, for real: munged, slurmctld and two slurmd on this machine (Debian: apt-get install slurm-wlm munge), an
# array of four tasks, of which one fails and is run again, and a merge that waits for it (afterok). Compares the model with
# that of one pass, and takes everything down again. Needs root, and changes nothing outside of its folder.
# Usage: scripts/slurm-demo.sh
set -euo pipefail
bin=$(realpath "$(dirname "$0")/../bin/goml.js")
for program in munged slurmctld slurmd sbatch; do
  command -v $program > /dev/null || { echo "no $program: apt-get install slurm-wlm munge" >&2; exit 2; }
done
at=$(mktemp -d /tmp/slurm-demo.XXXXXX)
chmod 755 "$at"
host=$(hostname -s)
pids=()
down() {
  trap - EXIT
  for pid in "${pids[@]}"; do kill "$pid" 2> /dev/null || true; done
  wait || true
  rm -rf "$at"
}
trap down EXIT

mkdir -p "$at"/{munge,state,log,data/parts}
chmod 700 "$at/munge"
head -c 1024 /dev/urandom > "$at/munge/key"
chmod 400 "$at/munge/key"
munged --foreground --force --key-file "$at/munge/key" --socket "$at/munge.socket" --pid-file "$at/munge/pid" \
  --log-file "$at/munge/log" --seed-file "$at/munge/seed" 2> /dev/null &
pids+=($!)
cat > "$at/slurm.conf" << CONF
ClusterName=demo
SlurmctldHost=$host(127.0.0.1)
SlurmctldPort=16817
SlurmUser=root
SlurmdUser=root
AuthType=auth/munge
AuthInfo=socket=$at/munge.socket
CredType=cred/munge
ProctrackType=proctrack/pgid
TaskPlugin=task/none
SelectType=select/cons_tres
SelectTypeParameters=CR_CPU
StateSaveLocation=$at/state
SlurmdSpoolDir=$at/spool-%n
SlurmctldPidFile=$at/slurmctld.pid
SlurmdPidFile=$at/slurmd-%n.pid
SlurmctldLogFile=$at/log/slurmctld
SlurmdLogFile=$at/log/slurmd-%n
JobCompType=jobcomp/none
AccountingStorageType=accounting_storage/none
MailProg=/bin/true
ReturnToService=2
NodeName=node1 NodeHostname=$host NodeAddr=127.0.0.1 Port=16818 CPUs=$(nproc)
NodeName=node2 NodeHostname=$host NodeAddr=127.0.0.1 Port=16819 CPUs=$(nproc)
PartitionName=all Nodes=node1,node2 Default=YES State=UP
CONF
export SLURM_CONF=$at/slurm.conf
for _ in $(seq 50); do [ -S "$at/munge.socket" ] && break; sleep 0.1; done
slurmctld -D -f "$SLURM_CONF" 2> /dev/null &
pids+=($!)
for node in node1 node2; do
  mkdir -p "$at/spool-$node"
  slurmd -D -N $node -f "$SLURM_CONF" 2> /dev/null &
  pids+=($!)
done
for _ in $(seq 100); do
  [ "$(sinfo -h -t idle -o %D 2> /dev/null)" = 2 ] && break
  sleep 0.2
done
sinfo
[ "$(sinfo -h -t idle -o %D)" = 2 ] || { echo "the nodes did not come up" >&2; tail -n 5 "$at"/log/* >&2; exit 1; }

cd "$at/data"
awk 'BEGIN { srand(7); print "customer,price,stock,sold"
  for (i = 0; i < 200000; i++) { p = rand() * 9; s = int(rand() * 50)
    printf "%d,%.3f,%d,%.4f\n", rand() * 5000, p, s, 20 - 1.5 * p + 0.1 * s + rand() } }' > sales.csv
train="node $bin train sales.csv -t sold --fold-by customer"
node "$bin" train sales.csv -t sold --fold-by customer -q -m whole.json

# Waits until a job has left the queue.
ended() { while [ -n "$(squeue -h -j "$1" 2> /dev/null)" ]; do sleep 0.2; done; }
# Task 3 finds no data the first time.
job=$(sbatch --parsable -o "log-%a" --array=1-4 --wrap \
  "[ \$SLURM_ARRAY_TASK_ID != 3 ] && $train --shard auto -q -m parts/\$SLURM_ARRAY_TASK_ID.json && echo \$SLURMD_NODENAME")
merging=$(sbatch --parsable -o log-merge --kill-on-invalid-dep=yes --dependency=afterok:"$job" --wrap "node $bin merge parts/ -q -m sales.json")
ended "$job"
ended "$merging"
echo "after a task that failed: $(ls parts | tr '\n' ' ')and $(ls sales.json 2> /dev/null || echo no sales.json)"
[ ! -e sales.json ]
node "$bin" merge parts/ -m sales.json 2>&1 | head -n 1 || true
[ ! -e sales.json ]
again=$(sbatch --parsable -o "log-%a" --array=3 --wrap "$train --shard auto/4 -q -m parts/3.json && echo \$SLURMD_NODENAME")
merging=$(sbatch --parsable -o log-merge --dependency=afterok:"$again" --wrap "node $bin merge parts/ -q -m sales.json")
ended "$again"
ended "$merging"
echo "tasks ran on: $(grep -h '^node[12]$' log-[0-9] | sort | uniq -c | tr '\n' ' ')"
node "$bin" inspect sales.json whole.json
