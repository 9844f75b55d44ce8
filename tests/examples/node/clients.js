// Uses ioredis and redis with their defaults on the server at the port given; ends with code 0 if all answers are right.
const assert = require('node:assert/strict');
const Redis = require('ioredis');
const { createClient } = require('redis');

const port = Number(process.argv[2]);
const large = Buffer.alloc(3 << 20, 'x\0\r\n');

async function tryIoredis() {
  const client = new Redis({ port });
  assert.equal(await client.set('key', 'value', 'EX', 100), 'OK');
  assert.equal(await client.get('key'), 'value');
  assert.equal(await client.ttl('key'), 100);
  assert.equal(await client.set('key', 'other', 'NX'), null);
  assert.deepEqual(await client.mget('key', 'none'), ['value', null]);
  assert.deepEqual(await client.pipeline().incr('n').incrby('n', 4).get('n').exec(), [[null, 1], [null, 5], [null, '5']]);
  assert.deepEqual(await client.multi().set('m', 1).incr('m').exec(), [[null, 'OK'], [null, 2]]);
  assert.equal(await client.set('large', large), 'OK');
  assert.ok(large.equals(await client.getBuffer('large')));
  await assert.rejects(client.incr('key'), { message: 'ERR value is not an integer or out of range' });
  const many = await Promise.all(Array.from({ length: 5000 }, () => client.incr('count')));
  assert.deepEqual(many, Array.from({ length: 5000 }, (_, i) => i + 1));
  assert.deepEqual((await client.keys('*')).sort(), ['count', 'key', 'large', 'm', 'n']);
  assert.equal(await client.del('key', 'n', 'none'), 2);
  assert.equal(await client.flushall(), 'OK');
  assert.equal(await client.quit(), 'OK');
}

async function tryRedis() {
  const client = createClient({ socket: { port } });
  client.on('error', (error) => {
    throw error;
  });
  await client.connect();
  assert.equal(await client.ping(), 'PONG');
  assert.equal(await client.set('key', 'value', { expiration: { type: 'EX', value: 100 } }), 'OK');
  assert.equal(await client.get('key'), 'value');
  assert.equal(await client.ttl('key'), 100);
  assert.equal(await client.set('key', 'other', { condition: 'NX' }), null);
  assert.deepEqual(await client.mGet(['key', 'none']), ['value', null]);
  assert.deepEqual(await client.multi().incr('n').incrBy('n', 4).get('n').exec(), [1, 5, '5']);
  await assert.rejects(client.incr('key'), { message: 'ERR value is not an integer or out of range' });
  const many = await Promise.all(Array.from({ length: 5000 }, () => client.incr('count')));
  assert.deepEqual(many, Array.from({ length: 5000 }, (_, i) => i + 1));
  assert.deepEqual((await client.keys('*')).sort(), ['count', 'key', 'n']);
  assert.equal(await client.dbSize(), 3);
  assert.equal(await client.flushAll(), 'OK');
  await client.close();
}

tryIoredis()
  .then(tryRedis)
  .catch((error) => {
    console.error(error);
    process.exit(1);
  });
