function f() { local -a x=(a 'b c' "$@"); echo ${x[0]} ${#x[@]} ${!y} ${z//a/b} ${z:1:2} ${z^^}; }
g () ( pushd /x; popd; )
((i += 2)) && for ((j = 0; j < 3; j++)); do let k=j; done
diff <(sort a) >(cat) <<< "$b" &> log |& tee; echo -e $'a\'b' {1..5} x{a,b} $RANDOM ${BASH_SOURCE[0]}
shopt -s extglob; ls !(a|b); select s in a b; do break; done; printf -v v x; read -ra w; type -p ls
trap 'x' ERR; declare -x A+=b; A+=c; export -f f; $(( (1 << 2) + ${A} )); ((a; b) | c)
