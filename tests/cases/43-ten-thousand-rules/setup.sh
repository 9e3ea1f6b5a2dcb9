# As many rules as nobody has, of which none hides another.
mkdir rules
for file in 0 1 2 3 4 5 6 7 8 9; do
    awk -v file=$file 'BEGIN { for (n = 0; n < 1000; n++) printf "[[rule]]\nname = \"%d-%d\"\nmatch = { driver = \"e1000e\", interface = \"eno%d\" }\noffload = { tso = false }\n", file, n, file * 1000 + n }' >rules/6$file-many.toml
done
