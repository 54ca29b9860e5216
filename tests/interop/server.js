// An independent SMSC for our client: binds whoever has the password, takes messages, reports each as delivered, and
// writes "MO" when told to on stdin. One JSON line per event on stdout.
'use strict';
const smpp = require('smpp');
const readline = require('readline');
const say = (event) => process.stdout.write(JSON.stringify(event) + '\n');
const sessions = new Set();
let next = 0x1000;

const server = smpp.createServer((session) => {
  const bind = (pdu) => {
    if (pdu.password !== 'loa-pass') {
      session.send(pdu.response({ command_status: smpp.ESME_RINVPASWD }));
      return session.close();
    }
    session.send(pdu.response({ system_id: 'NODE' }));
    sessions.add(session);
    say({ event: 'bound', system_id: pdu.system_id, command: pdu.command, version: pdu.interface_version });
  };
  session.on('bind_transceiver', bind);
  session.on('bind_transmitter', bind);
  session.on('bind_receiver', bind);
  session.on('submit_sm', (pdu) => {
    const id = (next++).toString(16).toUpperCase();
    const message = pdu.short_message || {};
    say({
      event: 'submit', id, to: pdu.destination_addr, from: pdu.source_addr, source_ton: pdu.source_addr_ton,
      text: message.message || (pdu.message_payload || {}).message,
      udh: message.udh ? message.udh.map((one) => one.toString('hex')) : [], data_coding: pdu.data_coding,
      esm_class: pdu.esm_class, registered_delivery: pdu.registered_delivery, validity: String(pdu.validity_period),
    });
    if (pdu.destination_addr === '84900000058') {
      return session.send(pdu.response({ command_status: smpp.ESME_RTHROTTLED }));
    }
    session.send(pdu.response({ message_id: id }));
    session.deliver_sm({
      source_addr: pdu.destination_addr, destination_addr: pdu.source_addr, esm_class: 4,
      short_message: `id:${parseInt(id, 16)} sub:001 dlvrd:001 submit date:2611220100 done date:2611220101 ` +
        'stat:DELIVRD err:000 text:', receipted_message_id: id, message_state: 2,
    }, (answer) => say({ event: 'receipt_answered', id, status: answer.command_status }));
  });
  session.on('enquire_link', (pdu) => session.send(pdu.response()));
  session.on('unbind', (pdu) => { say({ event: 'unbind' }); session.send(pdu.response()); session.close(); });
  session.on('close', () => sessions.delete(session));
  session.on('error', () => sessions.delete(session));
});

server.listen(0, '127.0.0.1', () => say({ event: 'listening', port: server.address().port }));
const lines = readline.createInterface({ input: process.stdin });
lines.on('line', (line) => {
  const mo = JSON.parse(line);
  for (const session of sessions) {
    session.deliver_sm(
      { source_addr: mo.from, destination_addr: mo.to, short_message: mo.text, data_coding: mo.data_coding },
      (answer) => say({ event: 'mo_answered', status: answer.command_status }));
  }
});
lines.on('close', () => process.exit(0));
