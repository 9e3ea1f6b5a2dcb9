# about: a script that stops half-way fails
# suites: bookworm
# fails: ended with status 3 and without `finish`
# shellcheck shell=sh
check "this passes" true
exit 3
