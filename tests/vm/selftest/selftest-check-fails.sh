# about: one failed check fails the test, and its output is shown
# suites: bookworm
# fails: ls: cannot access '/no/such/file'
# shellcheck shell=sh
check "this passes" true
check "this does not" ls /no/such/file
check "the next one is still run" true
finish
