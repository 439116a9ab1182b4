/* SPDX-License-Identifier: MIT
 * archive_lib.h - libarchive, loaded when the first layer is unpacked.
 *
 * Purpose:   include this instead of <archive.h>. libarchive brings ICU and the C++
 *            library along, and a command without anything to do would spend a quarter of
 *            its time on loading what only the unpacking child uses. Its functions are
 *            called by their names, through a table.
 * Threads:   archive_lib_load() on one thread, before any of the functions is called.
 * Errors:    archive_lib_load(): ERR_UNSUPPORTED when the library is not installed.
 */
#ifndef ENGINE_UNPACK_ARCHIVE_LIB_H
#define ENGINE_UNPACK_ARCHIVE_LIB_H

#include <archive.h>
#include <archive_entry.h>

#include "base/err.h"

#define ARCHIVE_LIB_FUNCTIONS(X)                                                         \
	X(archive_entry_clear)                                                           \
	X(archive_entry_filetype)                                                        \
	X(archive_entry_free)                                                            \
	X(archive_entry_gid)                                                             \
	X(archive_entry_hardlink)                                                        \
	X(archive_entry_mode)                                                            \
	X(archive_entry_mtime)                                                           \
	X(archive_entry_mtime_nsec)                                                      \
	X(archive_entry_new)                                                             \
	X(archive_entry_pathname)                                                        \
	X(archive_entry_rdev)                                                            \
	X(archive_entry_set_filetype)                                                    \
	X(archive_entry_set_gid)                                                         \
	X(archive_entry_set_hardlink)                                                    \
	X(archive_entry_set_mode)                                                        \
	X(archive_entry_set_mtime)                                                       \
	X(archive_entry_set_pathname)                                                    \
	X(archive_entry_set_rdev)                                                        \
	X(archive_entry_set_size)                                                        \
	X(archive_entry_set_symlink)                                                     \
	X(archive_entry_set_uid)                                                         \
	X(archive_entry_size)                                                            \
	X(archive_entry_symlink)                                                         \
	X(archive_entry_uid)                                                             \
	X(archive_entry_xattr_add_entry)                                                 \
	X(archive_entry_xattr_next)                                                      \
	X(archive_entry_xattr_reset)                                                     \
	X(archive_error_string)                                                          \
	X(archive_filter_bytes)                                                          \
	X(archive_read_append_filter)                                                    \
	X(archive_read_data_block)                                                       \
	X(archive_read_free)                                                             \
	X(archive_read_new)                                                              \
	X(archive_read_next_header)                                                      \
	X(archive_read_open)                                                             \
	X(archive_read_support_format_empty)                                             \
	X(archive_read_support_format_raw)                                               \
	X(archive_read_support_format_tar)                                               \
	X(archive_set_error)

#define ARCHIVE_LIB_MEMBER(function) __typeof__(&(function)) function##_;
struct archive_lib {
	ARCHIVE_LIB_FUNCTIONS(ARCHIVE_LIB_MEMBER)
};
#undef ARCHIVE_LIB_MEMBER

extern struct archive_lib archive_lib;

NODISCARD struct err *archive_lib_load(void);

#ifndef ARCHIVE_LIB_PLAIN
#define archive_entry_clear archive_lib.archive_entry_clear_
#define archive_entry_filetype archive_lib.archive_entry_filetype_
#define archive_entry_free archive_lib.archive_entry_free_
#define archive_entry_gid archive_lib.archive_entry_gid_
#define archive_entry_hardlink archive_lib.archive_entry_hardlink_
#define archive_entry_mode archive_lib.archive_entry_mode_
#define archive_entry_mtime archive_lib.archive_entry_mtime_
#define archive_entry_mtime_nsec archive_lib.archive_entry_mtime_nsec_
#define archive_entry_new archive_lib.archive_entry_new_
#define archive_entry_pathname archive_lib.archive_entry_pathname_
#define archive_entry_rdev archive_lib.archive_entry_rdev_
#define archive_entry_set_filetype archive_lib.archive_entry_set_filetype_
#define archive_entry_set_gid archive_lib.archive_entry_set_gid_
#define archive_entry_set_hardlink archive_lib.archive_entry_set_hardlink_
#define archive_entry_set_mode archive_lib.archive_entry_set_mode_
#define archive_entry_set_mtime archive_lib.archive_entry_set_mtime_
#define archive_entry_set_pathname archive_lib.archive_entry_set_pathname_
#define archive_entry_set_rdev archive_lib.archive_entry_set_rdev_
#define archive_entry_set_size archive_lib.archive_entry_set_size_
#define archive_entry_set_symlink archive_lib.archive_entry_set_symlink_
#define archive_entry_set_uid archive_lib.archive_entry_set_uid_
#define archive_entry_size archive_lib.archive_entry_size_
#define archive_entry_symlink archive_lib.archive_entry_symlink_
#define archive_entry_uid archive_lib.archive_entry_uid_
#define archive_entry_xattr_add_entry archive_lib.archive_entry_xattr_add_entry_
#define archive_entry_xattr_next archive_lib.archive_entry_xattr_next_
#define archive_entry_xattr_reset archive_lib.archive_entry_xattr_reset_
#define archive_error_string archive_lib.archive_error_string_
#define archive_filter_bytes archive_lib.archive_filter_bytes_
#define archive_read_append_filter archive_lib.archive_read_append_filter_
#define archive_read_data_block archive_lib.archive_read_data_block_
#define archive_read_free archive_lib.archive_read_free_
#define archive_read_new archive_lib.archive_read_new_
#define archive_read_next_header archive_lib.archive_read_next_header_
#define archive_read_open archive_lib.archive_read_open_
#define archive_read_support_format_empty archive_lib.archive_read_support_format_empty_
#define archive_read_support_format_raw archive_lib.archive_read_support_format_raw_
#define archive_read_support_format_tar archive_lib.archive_read_support_format_tar_
#define archive_set_error archive_lib.archive_set_error_
#endif

#endif
