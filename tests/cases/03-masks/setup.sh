mkdir usr-local-lib
