package org.facerecognition.examples;

import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.util.Properties;
import picocli.CommandLine;
import picocli.CommandLine.IVersionProvider;

/**
 * What {@code --version} prints. The version is the jar's {@code Implementation-Version}; classes that run outside a
 * jar have it from {@code version.properties}, which Maven fills in.
 */
final class Version implements IVersionProvider {
    private static final String RESOURCE = "version.properties";

    /** Makes a command and all its subcommands print the version with {@code --version}. */
    static void printedBy(CommandLine command) {
        command.getCommandSpec().versionProvider(new Version());
        command.getSubcommands().values().forEach(Version::printedBy);
    }

    @Override
    public String[] getVersion() {
        return new String[] {Main.NAME + " " + number()};
    }

    static String number() {
        String ofJar = Version.class.getPackage().getImplementationVersion();
        return ofJar != null ? ofJar : ofResource();
    }

    private static String ofResource() {
        try (InputStream in = Version.class.getResourceAsStream(RESOURCE)) {
            if (in == null) {
                throw new IllegalStateException("resource " + RESOURCE + " is missing from the class path");
            }
            Properties properties = new Properties();
            properties.load(in);
            return properties.getProperty("version");
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }
}
