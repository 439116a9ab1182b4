awk -F: '{ if ($1 == "a") print $2 }' f | sed -e "s/\"x\"/$y/g" -e 's/'"$z"'/&/' # it's
echo "a $(b "c `d 'e'` f" ) ${g:-"h $(i)"} ${j#'k}'} ${l%"}"} \" \$m" \' n\ o "it's"
python3 -c 'import os; print({"a": 1}["a"])' 2>/dev/null; Rscript -e "install.packages(c('x'))"
