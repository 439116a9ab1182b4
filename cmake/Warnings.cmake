# Warnings and sanitizers, as one interface target that every layer links.
add_library(dagbuild_options INTERFACE)
target_include_directories(dagbuild_options INTERFACE ${PROJECT_SOURCE_DIR})
target_compile_definitions(dagbuild_options INTERFACE _GNU_SOURCE
	DAGBUILD_VERSION="${PROJECT_VERSION}")
target_compile_options(dagbuild_options INTERFACE
	-Wall -Wextra -Wpedantic -Wshadow -Wconversion -Wstrict-prototypes -Wmissing-prototypes
	-Wformat=2 -Wvla -Wswitch-enum -Wundef -fno-common
	# Paths in assertions and errors start at the repository, wherever it lies.
	-fmacro-prefix-map=${PROJECT_SOURCE_DIR}/=
	$<$<C_COMPILER_ID:GNU>:-Wnull-dereference>
	$<$<C_COMPILER_ID:Clang>:-Wno-gnu-statement-expression>
	$<$<BOOL:${WERROR}>:-Werror>)
if(SANITIZE)
	target_compile_options(dagbuild_options INTERFACE
		-fsanitize=${SANITIZE} -fno-omit-frame-pointer -fno-sanitize-recover=all)
	target_link_options(dagbuild_options INTERFACE -fsanitize=${SANITIZE})
endif()
if(FUZZ)
	# Everything counts its branches; the fuzz targets alone get libFuzzer's main.
	set(fuzz -fsanitize=fuzzer-no-link,address,undefined)
	target_compile_options(dagbuild_options INTERFACE
		${fuzz} -fno-omit-frame-pointer -fno-sanitize-recover=all)
	target_link_options(dagbuild_options INTERFACE ${fuzz})
endif()
