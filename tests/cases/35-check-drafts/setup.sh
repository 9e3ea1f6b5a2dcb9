mkdir tmp open
chmod 1777 tmp
chmod 777 open
cp draft.toml tmp
sed s/=.off/= false/ draft.toml | tee open/draft.toml >open-draft.toml
chmod 666 open-draft.toml
