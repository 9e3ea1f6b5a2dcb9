mkdir usr-lib
cp "$PROJECT"/rules/*.toml usr-lib/
