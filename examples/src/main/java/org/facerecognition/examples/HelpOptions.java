package org.facerecognition.examples;

import java.lang.reflect.Field;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.EnumMap;
import java.util.List;
import java.util.Map;
import org.facerecognition.examples.HelpSection.Heading;
import picocli.CommandLine;
import picocli.CommandLine.Help;
import picocli.CommandLine.IHelpSectionRenderer;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Model.OptionSpec;
import picocli.CommandLine.Model.UsageMessageSpec;

/**
 * Renders a command's options in {@code --help}: under the headings of {@link HelpSection} where there are many, else
 * as one list. Only the help depends on the headings; parsing and defaults do not.
 */
final class HelpOptions implements IHelpSectionRenderer {
    /** The most options, including --help and --version, that are listed without headings. */
    static final int MAX_WITHOUT_HEADINGS = 12;

    /** Replaces the option list in the help of a command and of all its subcommands. */
    static void install(CommandLine command) {
        command.getHelpSectionMap().put(UsageMessageSpec.SECTION_KEY_OPTION_LIST, new HelpOptions());
        refused(command.getCommandSpec()).forEach(name -> hide(name, command.getCommandSpec()));
        command.getSubcommands().values().forEach(HelpOptions::install);
    }

    private static List<String> refused(CommandSpec command) {
        HelpSection.Refused refused = command.userObject().getClass().getAnnotation(HelpSection.Refused.class);
        return refused == null ? List.of() : Arrays.asList(refused.value());
    }

    /** An option of a mixin is hidden in one command, and is parsed like before, so that it can be refused. */
    private static void hide(String name, CommandSpec command) {
        OptionSpec option = command.findOption(name);
        command.remove(option);
        command.addOption(OptionSpec.builder(option).hidden(true).build());
    }

    @Override
    public String render(Help help) {
        if (visible(help.commandSpec()).size() <= MAX_WITHOUT_HEADINGS) {
            return help.optionList();
        }
        StringBuilder text = new StringBuilder();
        sections(help.commandSpec()).forEach((heading, options) -> {
            Help.Layout layout = help.createDefaultLayout(); // as wide for each section
            layout.addOptions(options, help.parameterLabelRenderer());
            text.append(System.lineSeparator())
                    .append(heading.text())
                    .append(':')
                    .append(System.lineSeparator())
                    .append(layout);
        });
        return text.toString();
    }

    /** Returns the options by heading, those of {@link HelpSection.First} under {@link Heading#COMMON}. */
    static Map<Heading, List<OptionSpec>> sections(CommandSpec command) {
        Map<Heading, List<OptionSpec>> sections = new EnumMap<>(Heading.class);
        List<OptionSpec> rest = new ArrayList<>(visible(command));
        for (String name : first(command)) {
            OptionSpec option = command.findOption(name);
            sections.computeIfAbsent(Heading.COMMON, heading -> new ArrayList<>())
                    .add(option);
            rest.remove(option);
        }
        rest.forEach(option -> sections.computeIfAbsent(heading(option), heading -> new ArrayList<>())
                .add(option));
        return sections;
    }

    private static List<OptionSpec> visible(CommandSpec command) {
        return command.options().stream().filter(option -> !option.hidden()).toList();
    }

    private static List<String> first(CommandSpec command) {
        HelpSection.First first = command.userObject().getClass().getAnnotation(HelpSection.First.class);
        return first == null ? List.of() : Arrays.asList(first.value());
    }

    private static Heading heading(OptionSpec option) {
        if (option.usageHelp() || option.versionHelp()) {
            return Heading.HELP;
        }
        if (option.userObject() instanceof Field field) {
            HelpSection own = field.getAnnotation(HelpSection.class);
            HelpSection section = own != null ? own : field.getDeclaringClass().getAnnotation(HelpSection.class);
            return section == null ? Heading.OUTPUT : section.value();
        }
        return Heading.OUTPUT;
    }
}
