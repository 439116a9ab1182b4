# Each dependency is one imported target, dep::NAME.
find_package(PkgConfig REQUIRED)
find_package(Threads REQUIRED)

function(dependency name module)
	pkg_check_modules(${name} REQUIRED IMPORTED_TARGET ${module})
	add_library(dep::${name} ALIAS PkgConfig::${name})
endfunction()

dependency(curl libcurl>=7.87) # CURLOPT_QUICK_EXIT
dependency(archive libarchive)
dependency(xxhash libxxhash)
dependency(cjson libcjson)
dependency(crypto libcrypto)
dependency(squashfs libsquashfs1)
dependency(deflate libdeflate)
dependency(zstd libzstd)
dependency(seccomp libseccomp)
if(BUILD_TESTING)
	dependency(cmocka cmocka)
endif()
