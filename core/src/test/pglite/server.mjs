// PostgreSQL with pgvector on a free port of this machine, which it prints. Ends when its standard input does, so that
// it does not outlive the test that started it.
import { PGlite } from '@electric-sql/pglite'
import { vector } from '@electric-sql/pglite-pgvector'
import { PGLiteSocketServer } from '@electric-sql/pglite-socket'

const db = await PGlite.create({ extensions: { vector } })
const server = new PGLiteSocketServer({ db, host: '127.0.0.1', port: 0, maxConnections: 20 })
server.addEventListener('listening', (event) => console.log('listening on ' + event.detail.port))
await server.start()
process.stdin.on('end', () => process.exit(0))
process.stdin.resume()
