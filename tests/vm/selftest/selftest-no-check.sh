# about: a test that checks nothing fails
# suites: bookworm
# fails: not one check ran
# shellcheck shell=sh
finish
