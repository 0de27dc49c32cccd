#!/bin/sh
# A sample playbook: writes its progress to the feedback file given as first argument, the way long
# test runs do. For every update it opens the file, appends one line and closes it.
feedback=$1
say() { printf '%s\n' "$1" >>"$feedback"; }

say "# $(date)"
say "[playbook]sample"
say "[start_time]$(date +%s)"
for case in 1 2 3 4 5; do
    say "[testcase_id]00$case"
    say "[testcase_name]Case number $case"
    for step in 25 50 75 100; do
        say "[testcase_progress]$step"
        sleep 0.15
    done
    say "[progress]$((case * 20))"
done
say "[end_time]$(date +%s)"
