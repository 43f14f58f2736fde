import { correctedNow } from '../kit/clock'
import { uuid7 } from '../sync/uuid7'
import { post } from './api'
import { deviceId } from './session'
import type { Answer, Command, Envelope, Uuid } from './types'

/** A command as it travels, stamped now. Build it once and resend the same: the id makes it count once. */
export function envelope(incidentId: Uuid, command: Command, seenVersion: number | null): Envelope {
  const at = correctedNow()
  return {
    commandId: uuid7(at),
    incidentId,
    occurredAt: new Date(at).toISOString(),
    seenVersion,
    deviceId: deviceId(),
    seq: null,
    elapsedMs: null,
    position: null,
    command,
  }
}

/**
 * Send commands for which a person waits at the screen; in order, answers in the same order.
 *
 * @throws Problem, Unreachable: nothing is known then; send the same envelopes again.
 */
export async function sendCommands(commands: readonly Envelope[], path = '/api/commands'): Promise<Answer[]> {
  return (await post<{ answers: Answer[] }>(path, { commands })).answers
}
