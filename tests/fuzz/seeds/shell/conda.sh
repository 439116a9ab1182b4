wget -q https://repo.anaconda.com/miniconda/Miniconda3-{{ version }}.sh -O /tmp/conda.sh
bash /tmp/conda.sh -b -p /opt/conda && rm /tmp/conda.sh
. /opt/conda/etc/profile.d/conda.sh
source activate base
conda env create -n "x-${NAME:-y}" -f /tmp/environment.yml
pip install --no-cache-dir 'numpy>=1.2,<2' -r /var/tmp/requirements.txt || exit 1
