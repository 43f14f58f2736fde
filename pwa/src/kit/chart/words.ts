import { words } from '../../i18n'

export const t = words({
  hour: ['1 小时', '1 hour'],
  day: ['1 天', '1 day'],
  month: ['30 天', '30 days'],
  span: ['看多长时间', 'How far back'],
  quantity: ['测量值', 'Measured'],
  loading: ['正在取曲线…', 'Fetching the curve…'],
  empty: ['这段时间没有读数', 'No readings in this time'],
  failed: ['取不到曲线', 'The curve could not be fetched'],
  retry: ['再试一次', 'Try again'],
  offline: ['连不上服务：这是 {at} 取得的', 'No connection: as fetched at {at}'],
  raise: ['报警 {v}', 'Alarm {v}'],
  note: ['提示 {v}', 'Notice {v}'],
  clear: ['恢复 {v}', 'Clears {v}'],
  changeAbove: ['较基线变化 {v} 报警', 'Alarm at a change of {v} from baseline'],
  changeNote: ['较基线变化 {v} 提示', 'Notice at a change of {v} from baseline'],
  gap: ['无读数', 'no reading'],
  gapAt: ['{at} 前后没有读数', 'No reading around {at}'],
  late: ['补报', 'reported late'],
  test: ['测试或维护', 'test or maintenance'],
  fault: ['传感器故障', 'sensor fault'],
  alarm: ['报警中', 'alarm on'],
  muted: ['静音', 'muted'],
  maintenance: ['维护', 'maintenance'],
  testing: ['测试', 'test session'],
  range: ['最低 {low} · 平均 {mean} · 最高 {high}', 'lowest {low} · mean {mean} · highest {high}'],
  over: ['超限 {for}', 'over the limit {for}'],
  readings: ['{n} 次读数', '{n} readings'],
  on: ['有', 'on'],
  off: ['无', 'off'],
  newest: ['最新', 'newest'],
  scrub: ['左右滑动看每一时刻', 'Slide to read each moment'],
  table: ['列成表格', 'As a table'],
  time: ['时间', 'Time'],
  value: ['数值', 'Value'],
  remark: ['说明', 'Remark'],
  more: ['只列最近 {n} 行', 'The last {n} rows only'],
  private: ['住户用水和开关门的曲线不给任何人看，只由规则判断。', 'Nobody sees how a household uses water or its door; only the rules judge it.'],
  living: ['看近 24 小时有没有使用（会记录是谁看的）', 'See hours with use in the last 24 (on record who looked)'],
  livingUnused: ['已 {n} 小时没有使用', 'Not used for {n} h'],
  livingAtLeast: ['至少 {n} 小时没有使用', 'Not used for {n} h or longer'],
  livingNow: ['这一小时内有使用', 'Used within this hour'],
  used: ['有使用', 'used'],
  unused: ['没有使用', 'not used'],
  unheard: ['没有收到', 'not heard'],
})

const quantities = words({
  smoke: ['烟雾报警', 'Smoke alarm'], smoke_density: ['烟雾', 'Smoke'], smoke_density_dbm: ['烟雾减光率', 'Smoke obscuration'], smoke_concentration: ['烟雾浓度', 'Smoke concentration'],
  gas: ['可燃气体报警', 'Gas alarm'], gas_density: ['可燃气体', 'Gas'], gas_value: ['可燃气体浓度', 'Gas concentration'], carbon_monoxide: ['一氧化碳报警', 'CO alarm'], co: ['一氧化碳浓度', 'CO concentration'],
  short_circuit: ['短路', 'Short circuit'], electric_alarm: ['电气火灾报警', 'Electric-fire alarm'], residual_current: ['剩余电流', 'Residual current'], leakage_current: ['漏电电流', 'Leakage current'],
  current: ['电流', 'Current'], load: ['负载', 'Load'], arc: ['故障电弧', 'Arcs'], temperature: ['温度', 'Temperature'], power: ['功率', 'Power'], energy: ['电量', 'Energy'], mains_voltage: ['电压', 'Voltage'],
  vibration: ['振动', 'Vibration'], strength: ['振动强度', 'Vibration strength'], angle: ['角度', 'Angle'], angle_x: ['X 轴角度', 'Angle x'], angle_y: ['Y 轴角度', 'Angle y'], angle_z: ['Z 轴角度', 'Angle z'],
  angle_x_absolute: ['X 轴绝对角度', 'Absolute angle x'], angle_y_absolute: ['Y 轴绝对角度', 'Absolute angle y'],
  tilt_horizontal: ['水平倾斜', 'Horizontal tilt'], tilt_vertical: ['垂直倾斜', 'Vertical tilt'], settlement: ['沉降', 'Settlement'], displacement: ['位移', 'Displacement'], crack: ['裂缝', 'Crack'],
  pressure: ['水压', 'Water pressure'], water_leak: ['漏水', 'Leak'], water_used: ['用水量', 'Water used'], flow: ['水流', 'Flow'], contact: ['门磁', 'Door contact'],
})

/** A quantity as people say it; one that the table does not know shows its own name. */
export function quantityWord(name: string): string {
  try {
    return quantities(name as Parameters<typeof quantities>[0])
  } catch {
    return name
  }
}
