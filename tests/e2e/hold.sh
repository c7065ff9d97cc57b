#!/bin/sh
# The command of lease_test.py: says that it runs, waits to be let go, and hands on which attempt it was.
#   hold.sh FOLDER: writes FOLDER/pid.N, waits for FOLDER/go.N, where N is the attempt;
#   FOLDER/overlap gets a line when a former attempt is still at work.
set -eu
cd "$1"
for former in pid.*; do
  [ -e "$former" ] || continue
  # One that has ended and waits for its parent's look does not count.
  if read -r line 2>/dev/null <"/proc/$(cat "$former")/stat"; then
    case "${line##*) }" in Z* | X*) ;; *) echo "$former beside $MILLRACE_ATTEMPT" >>overlap ;; esac
  fi
done
echo $$ >"new.$MILLRACE_ATTEMPT"
mv "new.$MILLRACE_ATTEMPT" "pid.$MILLRACE_ATTEMPT"
while [ ! -e "go.$MILLRACE_ATTEMPT" ]; do sleep 0.02; done
echo "$MILLRACE_ATTEMPT" >"$MILLRACE_OUTPUTS/who"
