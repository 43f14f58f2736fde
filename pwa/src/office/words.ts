/** Words of a community office's page about its homes. */
import { words } from '@/i18n'

export const t = words({
  back: ['返回', 'Back'],
  homes: ['怎样联系住户', 'How to reach people at home'],
  homesPlace: ['门牌、院落或门号', 'Street, number, court or door'],
  homesExample: ['例如 平江路 12', 'street and number'],
  homesLook: ['查找', 'Look'],
  homesFailed: ['没有查到，请检查网络再试。', 'That did not work. Check the network and try again.'],
  homesNone: ['本社区没有这样的住户。', 'No such home in your area.'],
  homesNobody: ['还没有登记联系人', 'Nobody is registered yet'],
  homesMore: ['只显示前 50 户，请写得更具体。', 'The first 50 only; please be more exact.'],
  wayCall: ['打电话', 'Call'],
  wayText: ['只发文字', 'Text only'],
  wayFamily: ['先联系家人', 'Family first'],
  wayUnsaid: ['没有说过', 'Nothing said'],
})
