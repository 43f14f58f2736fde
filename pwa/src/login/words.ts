import { words } from '../i18n'

export const t = words({
  product: ['街安', 'Jie’an'],
  motto: ['开放式街区安防', 'Safety for open neighbourhoods'],
  login: ['账号', 'Account'],
  password: ['密码', 'Password'],
  show: ['显示密码', 'Show password'],
  enter: ['登录', 'Sign in'],
  entering: ['正在登录', 'Signing in'],
  wrong: ['账号或密码不对', 'Account or password is wrong'],
  locked: ['错误次数过多，请 {n} 分钟后再试，或联系值班负责人', 'Too many tries. Try again in {n} min, or ask the shift lead'],
  unreachable: ['连不上服务器。检查网络后再试', 'The server cannot be reached. Check the network and try again'],
  failed: ['没有登录成功：{why}', 'Not signed in: {why}'],
  other: ['English', '中文'],
  look: ['外观', 'Look'],
  look_auto: ['随系统', 'System'],
  look_day: ['白天', 'Day'],
  look_night: ['夜间', 'Night'],
  look_sunlight: ['强光', 'Sunlight'],
  emergency: ['紧急情况直接拨打', 'In an emergency dial'],
})
