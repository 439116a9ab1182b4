cat > /usr/local/bin/run <<'END'
#!/usr/bin/env bash
[[ -n "$1" ]] && source "$1"
END
cat <<A <<-"B C" | tee /tmp/x
$(one) `two`
A
	three
	B C
x=$(cat <<\E
)'
E
)
cat <<LAST
no end
  LAST
