package org.facerecognition.weights;

import java.util.Set;

/** Python's names for running a command or another program, none of which a checkpoint has a use for. */
final class PythonCommands {
    private static final Set<String> MODULES = Set.of(
            "os",
            "posix",
            "nt",
            "subprocess",
            "pty",
            "shutil",
            "socket",
            "sys",
            "runpy",
            "importlib",
            "ctypes",
            "webbrowser",
            "codeop",
            "marshal",
            "pickle",
            "_pickle");

    /** Of Python's own functions, these run or load code, or open files. */
    private static final Set<String> FUNCTIONS = Set.of("eval", "exec", "execfile", "compile", "open", "__import__");

    private static final Set<String> BUILTINS = Set.of("builtins", "__builtin__");

    /** What Python's modules {@code code} and {@code commands} have; packages of projects are often called alike. */
    private static final Set<String> OF_COMMON_NAMES = Set.of(
            "code.interact",
            "code.compile_command",
            "code.InteractiveInterpreter",
            "code.InteractiveConsole",
            "commands.getoutput",
            "commands.getstatus",
            "commands.getstatusoutput");

    /** Classes of those modules that only hold values: of a file's properties, or of constants. */
    private static final Set<String> VALUES = Set.of(
            "os.stat_result",
            "os.statvfs_result",
            "os.terminal_size",
            "posix.stat_result",
            "posix.times_result",
            "posix.uname_result",
            "nt.stat_result",
            "nt.times_result",
            "nt.uname_result",
            "socket.AddressFamily",
            "socket.AddressInfo",
            "socket.MsgFlag",
            "socket.SocketKind");

    private PythonCommands() {}

    /** @param name including its module, for example {@code posix.system} */
    static boolean contain(String name) {
        int dot = name.indexOf('.');
        String module = name.substring(0, dot);
        int second = name.indexOf('.', dot + 1);
        return MODULES.contains(module) && !VALUES.contains(name)
                || BUILTINS.contains(module) && FUNCTIONS.contains(name.substring(dot + 1))
                || OF_COMMON_NAMES.contains(second < 0 ? name : name.substring(0, second));
    }
}
