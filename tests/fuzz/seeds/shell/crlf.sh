if [ -f /tmp/a ]; then
  cp /tmp/b /opt \
 && cat <<E
[[
E
fi
