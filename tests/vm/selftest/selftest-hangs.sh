# about: a guest that never ends is ended, and its console shown
# suites: bookworm
# limit: 30
# fails: (boot 1); the console ends with
# shellcheck shell=sh
check "this passes" true
echo "last words" >/dev/console
sleep infinity
