mkdir etc
for number in 10 11 12 13 14 15 16 17 18 19 20 21 22 23 24 25 26 27 28 29; do
    echo "key$number = 1"
done >>etc/50-twenty.toml
{ cat etc/50-twenty.toml; echo "one-more = 1"; } >etc/60-more.toml
yes '= x' | head -c 60000 >etc/70-junk.toml
