# A C1 control, and what changes the direction of a text.
mkdir etc
printf '[[rule]]\nname = "a\302\2332J\342\200\256b" # \302\233\nnmae = 1\n' >etc/60-mine.toml
