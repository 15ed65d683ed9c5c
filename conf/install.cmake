# `cmake --install build/release --prefix DIR`: herd-node, the command `herd`, its configuration, manual, completion and
# units. scripts/lib/herd_pack makes the files other than the program when they are installed, because they contain the
# prefix. Below the prefix /usr, the configuration is in /etc and the state in /var.
include(GNUInstallDirs)
set(HERD_UNIT_DIR "" CACHE PATH "The directory of systemd's units; empty: lib/systemd/system below the prefix")

install(TARGETS herd-node DESTINATION bin)
install(CODE "set(source \"${CMAKE_SOURCE_DIR}\")
set(rendered \"${CMAKE_BINARY_DIR}/rendered\")
set(program \"$<TARGET_FILE:herd-node>\")
set(unit_dir \"${HERD_UNIT_DIR}\")")
install(SCRIPT conf/install_files.cmake)
