package org.facerecognition.gallery;

import java.lang.reflect.InvocationTargetException;
import java.lang.reflect.Method;
import java.lang.reflect.Proxy;
import java.sql.Connection;
import java.sql.SQLException;
import java.util.function.Supplier;
import javax.sql.DataSource;

/** A data source whose connections break on request. */
final class FaultyDataSource {
    /** What drivers and pools put into messages, and what must not be shown. */
    static final String MESSAGE = "connection to jdbc:postgresql://db/people?user=carol&password=hunter2 failed;"
            + " password=hunter2 was used\nsecond line";

    private FaultyDataSource() {}

    /** When the next connection breaks. */
    enum Fault {
        NEVER,
        ON_CONNECTING,
        /** For a reason for which another attempt is useless. */
        NOT_ALLOWED,
        /** The transaction is rolled back. */
        BEFORE_COMMIT,
        /** The transaction is committed, but this is not acknowledged. */
        AFTER_COMMIT
    }

    /** @param next called for each connection */
    static DataSource of(DataSource real, Supplier<Fault> next) {
        return proxy(DataSource.class, (method, args) -> {
            if (!method.getName().equals("getConnection")) {
                return call(real, method, args);
            }
            Fault fault = next.get();
            if (fault == Fault.ON_CONNECTING) {
                throw new SQLException(MESSAGE, "08001");
            }
            if (fault == Fault.NOT_ALLOWED) {
                throw new SQLException("permission denied", "42501");
            }
            return breaking((Connection) call(real, method, args), fault);
        });
    }

    private static Connection breaking(Connection real, Fault fault) {
        return proxy(Connection.class, (method, args) -> {
            boolean breaks = method.getName().equals("commit") && fault != Fault.NEVER;
            if (breaks && fault == Fault.BEFORE_COMMIT) {
                real.rollback();
            }
            Object result = breaks && fault == Fault.BEFORE_COMMIT ? null : call(real, method, args);
            if (breaks) {
                real.close();
                throw new SQLException(MESSAGE, "08006");
            }
            return result;
        });
    }

    interface Handler {
        Object handle(Method method, Object[] args) throws Throwable;
    }

    static <T> T proxy(Class<T> type, Handler handler) {
        return type.cast(Proxy.newProxyInstance(
                type.getClassLoader(), new Class<?>[] {type}, (proxy, method, args) -> handler.handle(method, args)));
    }

    static Object call(Object target, Method method, Object[] args) throws Throwable {
        try {
            return method.invoke(target, args);
        } catch (InvocationTargetException e) {
            throw e.getCause();
        }
    }
}
