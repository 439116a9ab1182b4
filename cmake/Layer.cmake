# dagbuild_layer(NAME lib...): a static library of this folder's sources, linked with those below.
function(dagbuild_layer name)
	file(GLOB sources CONFIGURE_DEPENDS ${CMAKE_CURRENT_SOURCE_DIR}/*.c)
	list(FILTER sources EXCLUDE REGEX "/main\\.c$")
	add_library(${name} STATIC ${sources})
	target_link_libraries(${name} PUBLIC dagbuild_options ${ARGN})
endfunction()
